import type { Pace } from './batch.js'

/**
 * One statement of a hot path, written out, where the unit of work would send several and build each anew.
 * PostgreSQL plans it once per connection under this name; `$1`, `$2` … are its values.
 */
export interface Statement<Row> {
  readonly name: string
  readonly text: string
  /** Only for the compiler: what a row of the answer looks like. */
  readonly row?: Row
}

export const defineStatement = <Row = Record<string, never>>(name: string, text: string): Statement<Row> => ({
  name,
  text,
})

/** Somebody else was first. */
export const isUniqueViolation = (error: unknown) => (error as { code?: unknown }).code === '23505'

/**
 * One statement over many rows: each of its values is an array with one element for every row, and the first of them
 * holds the ids that the rows of the answer repeat as `id`. Not prepared under a name: a plan made while the tables
 * were empty would be kept, and planning costs little for many rows at once.
 */
export interface BatchStatement<Row extends { id: string }> {
  readonly text: string
  readonly pace: Pace
  /** The same over one row, prepared: nobody shares the planning. */
  readonly alone?: Statement<Row>
  readonly row?: Row
}

/** What many look up by a key each: `$1` holds the keys, and the rows repeat theirs as `asked`. */
export interface Lookup<Row> {
  readonly text: string
  readonly pace: Pace
  readonly alone: Statement<Row>
  readonly row?: Row
}

/** For jobs. */
export const defineBatchStatement = <Row extends { id: string }>(text: string): BatchStatement<Row> => ({
  text,
  pace: { collectMs: 2, most: 64 },
})

/**
 * For callers, who wait for it: nothing is collected beyond this turn of the event loop, and who comes alone gets a prepared
 * statement. So it is held to what one of those is (ADR 0007).
 */
export const defineCallersStatement = <Row extends { id: string }>(
  name: string,
  text: string,
): BatchStatement<Row> => ({
  text,
  // However many under way: one of them may wait for a row that somebody else has locked.
  pace: { collectMs: 0, most: 16 },
  alone: overOne(name, text),
})

/** For callers, too. Locks nothing, so that two under way are enough, and those who come meanwhile go together. */
export const defineLookup = <Row>(name: string, text: string): Lookup<Row> => ({
  text,
  pace: { collectMs: 0, most: 16, underWay: 4 },
  alone: overOne(name, text),
})

/** The planner sees that there is one of each, and takes the way that it takes for one. */
const overOne = <Row>(name: string, text: string) =>
  defineStatement<Row>(name, text.replaceAll(/\$(\d+)::(\w+)\[\]/g, 'array[$$$1::$2]'))
