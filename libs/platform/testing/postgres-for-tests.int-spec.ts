import pg from 'pg'
import { testDatabase } from './postgres-for-tests.js'

describe('testDatabase', () => {
  const [one, other] = [testDatabase(), testDatabase()]

  it('gives migrated databases that do not see each other', async () => {
    await ask(one.url.reveal(), 'create table mine as select 1 as it')

    expect(await tables(one.url.reveal())).toContain('mine')
    expect(await tables(other.url.reveal())).not.toContain('mine')
    expect(await tables(other.url.reveal())).toContain('mandate_migrations')
  })

  it('is on a server of the run, not on one that somebody keeps data in', async () => {
    expect(await ask(one.url.reveal(), 'show fsync')).toEqual([{ fsync: 'off' }])
  })
})

const tables = async (url: string) =>
  (await ask(url, `select tablename from pg_tables where schemaname = 'public'`)).map(({ tablename }) => tablename)

async function ask(url: string, text: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
