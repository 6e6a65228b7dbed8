import { type DocumentNode, Kind, type SelectionSetNode } from 'graphql'

/** Names, braces, values. What graphql-js asks to learn a whole schema has 184. */
export const MOST_TOKENS = 1_000
/** Fields within fields. The same question has 15, and nothing of ours goes deeper than three. */
export const DEEPEST = 15
/** A field that we answer is work; a field of its answer is not. What a whole schema costs to ask is 280. */
export const MOST_COST = 500
export const ROOT_FIELD_COST = 50

/**
 * Whether a document may be looked at more closely, counted before it is validated, because validating has a price as well.
 * A fragment counts wherever it is spread, so a small document that unfolds to a large one costs what it unfolds to.
 * @returns what to do about it; null: nothing
 */
export function limitProblem(document: DocumentNode): string | null {
  const fragments = new Map(
    document.definitions.flatMap((each) => (each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each]] : [])),
  )
  let cost = 0
  let deepest = 0
  const walk = (set: SelectionSetNode, depth: number): void => {
    for (const selection of set.selections) {
      // What is spread counts as well, or a circle of fragments without fields would never end.
      cost += depth === 1 && selection.kind === Kind.FIELD ? ROOT_FIELD_COST : 1
      if (cost > MOST_COST) return
      if (selection.kind === Kind.FIELD) {
        deepest = Math.max(deepest, depth)
        if (selection.selectionSet && depth <= DEEPEST) walk(selection.selectionSet, depth + 1)
      } else {
        const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value)
        if (inner) walk(inner.selectionSet, depth)
      }
    }
  }
  for (const each of document.definitions) if (each.kind === Kind.OPERATION_DEFINITION) walk(each.selectionSet, 1)
  if (cost > MOST_COST)
    return `This asks for too much at once: ask for fewer fields, or in several requests (at most ${Math.floor(MOST_COST / ROOT_FIELD_COST) - 1} queries or mutations in one).`
  return deepest > DEEPEST ? `This is nested too deeply: at most ${DEEPEST} fields within one another.` : null
}
