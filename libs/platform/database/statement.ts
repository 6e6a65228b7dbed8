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
 * holds the ids that the rows of the answer repeat as `id`. Planned once for any number of rows (`PlannedSessions`).
 */
export interface BatchStatement<Row extends { id: string }> extends Statement<Row> {
  readonly pace: Pace
}

/** What many look up by a key each: `$1` holds the keys, and the rows repeat theirs as `asked`. Planned likewise. */
export interface Lookup<Row> extends Statement<Row> {
  readonly pace: Pace
}

/** For jobs. */
export const defineBatchStatement = <Row extends { id: string }>(name: string, text: string): BatchStatement<Row> => ({
  name,
  text,
  pace: { collectMs: 2, most: 64 },
})

/** For callers, who wait for it: nothing is collected beyond this turn of the event loop. */
export const defineCallersStatement = <Row extends { id: string }>(
  name: string,
  text: string,
): BatchStatement<Row> => ({
  name,
  text,
  // However many under way: one of them may wait for a row that somebody else has locked.
  pace: { collectMs: 0, most: 16 },
})

/** For callers, too. Locks nothing, so that two under way are enough, and those who come meanwhile go together. */
export const defineLookup = <Row>(name: string, text: string): Lookup<Row> => ({
  name,
  text,
  pace: { collectMs: 0, most: 16, underWay: 4 },
})
