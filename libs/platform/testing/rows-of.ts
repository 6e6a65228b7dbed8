import pg from 'pg'
import type { Secret } from '#platform/secrets/secret.js'

/** One statement, on a connection of its own: what really stands in the database, whoever has it open besides. */
export async function rowsOf(
  databaseUrl: Secret<string>,
  text: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databaseUrl.reveal() })
  await client.connect()
  try {
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}
