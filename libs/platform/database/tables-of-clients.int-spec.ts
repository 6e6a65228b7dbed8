import { databaseForTests } from '#platform/testing/database-for-tests.js'

/** Tables without a client of their own: through which reference they have one, or why they have none. */
const BOUND: Record<string, { through: string } | { because: string }> = {
  clients: { because: 'a row is a client' },
  access_tokens: { through: 'grant_id' },
  refresh_tokens: { through: 'grant_id' },
  callback_attempts: { through: 'request_id' },
  master_keys: { because: 'wraps the data keys of all clients, and holds nothing of any' },
  provider_tokens: { because: 'the key names the credential whose token it is; only calls of our own read it, sealed' },
  provider_budgets: { because: 'counts what one credential may ask of its provider' },
  rate_limits: { because: 'counts callers before it is known who they are; keys are hashes' },
  audit_archives: { because: 'says of all chains at once where each goes on from' },
  mandate_migrations: { because: 'says how far the schema is' },
}

/** Where no client is named, the row is the operator's. */
const OF_THE_OPERATOR_WHEN_NULL = ['provider_credentials']

interface Column {
  table: string
  column: string
  nullable: boolean
  refers_to: string | null
}

describe('every table', () => {
  const db = databaseForTests([])
  let columns: Column[]

  beforeAll(async () => {
    columns = await db.database.run<Column>(
      {
        name: 'columns of all tables',
        text: `select c.table_name as table, c.column_name as column, c.is_nullable = 'YES' as nullable,
            (select r.confrelid::regclass::text from pg_constraint r
              join pg_attribute a on a.attrelid = r.conrelid and a.attnum = any (r.conkey)
              where r.contype = 'f' and r.conrelid = format('%I', c.table_name)::regclass and a.attname = c.column_name) as refers_to
          from information_schema.columns c
          join information_schema.tables t using (table_schema, table_name)
          where c.table_schema = 'public' and t.table_type = 'BASE TABLE'`,
      },
      [],
    )
  })

  const tables = () => [...new Set(columns.map(({ table }) => table))]
  const clientOf = (table: string) => columns.find((each) => each.table === table && each.column === 'client_id')

  it('names the client of each row, or says above how it is bound to one', () => {
    expect(tables().length).toBeGreaterThan(15)
    expect(tables().filter((table) => !clientOf(table) && !BOUND[table])).toEqual([])
  })

  it('has no row without a client where it has a column for one', () => {
    const loose = tables().filter((table) => clientOf(table)?.nullable)
    expect(loose).toEqual(OF_THE_OPERATOR_WHEN_NULL)
  })

  it('is bound by a reference that cannot be empty, to a table that names the client', () => {
    for (const [table, bond] of Object.entries(BOUND)) {
      if (!('through' in bond)) continue
      const reference = columns.find((each) => each.table === table && each.column === bond.through)
      expect(reference).toMatchObject({ table, nullable: false, refers_to: expect.any(String) })
      expect(clientOf(reference!.refers_to!)).toMatchObject({ nullable: false })
    }
  })

  it('is there: nothing above is about a table that is gone, or that names its client by now', () => {
    expect(Object.keys(BOUND).filter((table) => !tables().includes(table) || clientOf(table))).toEqual([])
  })
})
