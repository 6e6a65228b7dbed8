import { parse } from 'graphql'
import { DEEPEST, limitProblem, MOST_COST, ROOT_FIELD_COST } from './document-limits.js'

const problemOf = (document: string) => limitProblem(parse(document))

describe('the limits of one document', () => {
  it('let so many fields through and no more', () => {
    const many = (count: number) =>
      `{ ${Array.from({ length: count }, (_, i) => `a${i}: authorizations(filter: { approver: "u" }) { id }`).join(' ')} }`
    const fits = Math.floor(MOST_COST / (ROOT_FIELD_COST + 1))
    expect(problemOf(many(fits))).toBeNull()
    expect(problemOf(many(fits + 1))).toMatch(/too much at once/)
  })

  it('count what is hidden in fragments, or goes round in circles', () => {
    const doubling = Array.from({ length: 30 }, (_, i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`)
    expect(problemOf(`{ ...f0 } ${doubling.join(' ')} fragment f30 on Query { version }`)).toMatch(/too much/)
    expect(problemOf('{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }')).toMatch(/too much/)
  })

  it('let fields lie so deep and no deeper', () => {
    const nested = (depth: number) => `${'{ a '.repeat(depth)}${'}'.repeat(depth)}`
    expect(problemOf(nested(DEEPEST))).toBeNull()
    expect(problemOf(nested(DEEPEST + 1))).toMatch(/nested too deeply/)
    expect(problemOf(nested(100))).toMatch(/nested too deeply/)
  })
})
