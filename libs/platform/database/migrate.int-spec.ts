import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { Secret } from '#platform/secrets/secret.js'
import { machineForTests } from '#platform/testing/machine-for-tests.js'
import { migrate } from './migrate.js'

describe('migrate', () => {
  const server = new pg.Client({ connectionString: machineForTests().postgresUrl })
  const name = `test_migrate_${process.pid}_${randomUUID().slice(0, 8)}`
  const url = new URL(machineForTests().postgresUrl)
  url.pathname = name
  const databaseUrl = new Secret(url.href)

  beforeAll(async () => {
    await server.connect()
    await server.query(`create database ${name}`)
  })
  afterAll(async () => {
    await server.query(`drop database ${name} with (force)`)
    await server.end()
  })

  const asked = async (text: string) => {
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    return client.query(text).finally(() => client.end())
  }

  it('runs once when five nodes start on an empty database at once', async () => {
    await Promise.all(Array.from({ length: 5 }, () => migrate(databaseUrl)))
    const { rows } = await asked('select name from mandate_migrations order by name')
    expect(rows).toEqual([{ name: '0001-initial' }])
  })

  it('asks two questions where all is done already, which a user can who may create nothing', async () => {
    const user = `reader_${randomUUID().slice(0, 8)}`
    await asked(`create role ${user} login password 'x'; grant select on mandate_migrations to ${user}`)
    const as = new URL(url.href)
    as.username = user
    as.password = 'x'
    await migrate(new Secret(as.href))
    await asked('delete from mandate_migrations')
    await expect(migrate(new Secret(as.href))).rejects.toThrow(/permission denied/)
    await asked(
      `insert into mandate_migrations (name) values ('0001-initial'); drop owned by ${user}; drop role ${user}`,
    )
  })

  it('refuses a schema that a newer Mandate has made, touches nothing, and names what it does not know', async () => {
    await asked(`insert into mandate_migrations (name) values ('9999-of-tomorrow')`)
    await expect(migrate(databaseUrl)).rejects.toThrow(/newer than this Mandate \(9999-of-tomorrow\)/)
    await asked(`delete from mandate_migrations where name = '9999-of-tomorrow'`)
    await migrate(databaseUrl)
  })
})
