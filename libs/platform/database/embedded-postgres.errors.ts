/** The embedded PostgreSQL cannot run here. Read at a terminal, so it says what to do, and names the way round. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError'

  constructor(problem: string, fix: string, cause?: unknown) {
    super(`${problem} ${fix} Or set DATABASE_URL, and a PostgreSQL of your own is used instead.`, { cause })
  }
}
