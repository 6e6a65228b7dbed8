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
