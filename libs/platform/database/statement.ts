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
  readonly row?: Row
}

export const defineBatchStatement = <Row extends { id: string }>(text: string): BatchStatement<Row> => ({ text })
