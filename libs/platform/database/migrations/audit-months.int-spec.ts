import { randomUUID } from 'node:crypto'
import { Migrator } from '@mikro-orm/migrations'
import { MikroORM, type Options } from '@mikro-orm/postgresql'
import { Secret } from '#platform/secrets/secret.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { migrate, ormOptions } from '../migrate.js'
import { Initial } from './initial.migration.js'

const MONTHS = `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bounds
  from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit_events'::regclass order by 1`
/** The first days of this month and of those after it, by the clock of the database. */
const FIRST_DAYS = `select to_char(date_trunc('month', now() at time zone 'UTC') + n * interval '1 month', 'YYYY-MM-DD') as day
  from generate_series(0, 3) n`
const EVENT = `insert into audit_events (client_id, sequence, version, at, act, actor, mailbox, previous, hash)`

describe('the months of the audit', () => {
  const { url } = testDatabase()
  const sql = (text: string, values?: unknown[]) => rowsOf(url, text, values)
  const firstDays = async () => (await sql(FIRST_DAYS)).map(({ day }) => String(day))
  const nameOf = (day: string) => `audit_events_${day.slice(0, 7).replace('-', '_')}`

  it('are there for this one and two ahead in a new database', async () => {
    const days = await firstDays()
    expect(await sql(MONTHS)).toEqual(
      days.slice(0, 3).map((day, n) => ({
        name: nameOf(day),
        bounds: `FOR VALUES FROM ('${day}') TO ('${days[n + 1]}')`,
      })),
    )
  })

  it('are made by whoever may not create a table, and none so far ahead that it could fill the catalogue', async () => {
    const user = `process_${randomUUID().slice(0, 8)}`
    await sql(`create role ${user} login password 'x'`)
    await sql(`grant select on mandate_migrations to ${user}; grant insert, select on audit_events to ${user}`)
    const as = new URL(url.reveal())
    as.username = user
    as.password = 'x'
    const theirs = (text: string) => rowsOf(new Secret(as.href), text)
    await expect(theirs('create table mine (id int)')).rejects.toThrow(/permission denied/)
    await expect(theirs(`select make_audit_months('2999-01-01')`)).rejects.toThrow(/too far ahead/)
    await theirs(`select make_audit_months('2024-12-15')`)
    await theirs(`${EVENT.replace('(', '(month, ')} values ('2025-02-01', 'cli_1', 1, 1, now(), '', '', '', '', '')`)
    expect(await sql('select tableoid::regclass::text as month from audit_events')).toEqual([
      { month: 'audit_events_2025_02' },
    ])
    await sql(`drop owned by ${user}; drop role ${user}`)
  })

  it('refuse a sequence number that the chain of the client has had in that month', async () => {
    const again = `${EVENT.replace('(', '(month, ')} values ('2025-02-01', 'cli_1', 1, 1, now(), '', '', '', '', '')`
    await expect(sql(again)).rejects.toThrow(/duplicate key/)
  })
})

describe('an audit from before it had months', () => {
  const { url } = testDatabase()
  const sql = (text: string, values?: unknown[]) => rowsOf(url, text, values)

  beforeAll(async () => {
    await sql('drop schema public cascade')
    await sql('create schema public; grant usage on schema public to public')
    const orm = await MikroORM.init({
      ...ormOptions(url),
      extensions: [Migrator],
      migrations: {
        migrationsList: [{ name: '0001-initial', class: Initial }],
        ...{ snapshot: false, silent: true, tableName: 'mandate_migrations' },
      },
      entities: [],
      discovery: { warnWhenNoEntities: false },
    } as Options)
    await (orm as MikroORM & { migrator: Migrator }).migrator.up()
    await orm.close()
    await sql(`${EVENT} select 'cli_1', n, 1, timestamptz '2020-01-01' + n * interval '1 day', 'a', 'b', 'c', '', ''
      from generate_series(1, 2000) n`)
    await sql(
      `insert into audit_heads (client_id, sequence, hash, signed_at, signature) values ('cli_1', 2000, '', now(), '')`,
    )
  })

  const user = `reader_${randomUUID().slice(0, 8)}`

  it('keeps every row where it lies, with its indexes, as the first month', async () => {
    const file = `select pg_relation_filenode('audit_events') as node`
    const [before] = await sql(file)
    await sql(`create role ${user} login password 'x'`)
    await sql(`grant select, insert on all tables in schema public to ${user}`)
    await migrate(url)
    const [first, second] = await sql(MONTHS)
    expect(first!.bounds).toMatch(/^FOR VALUES FROM \(MINVALUE\) TO /)
    expect(second!.bounds).toMatch(/^FOR VALUES FROM \('/)
    expect(await sql(`select pg_relation_filenode('${first!.name}') as node`)).toEqual([before])
    expect(await sql('select count(*)::int, max(sequence)::int from audit_events')).toEqual([
      { count: 2000, max: 2000 },
    ])
    const indexes = `select count(*)::int from pg_index where indrelid = '${first!.name}'::regclass`
    expect(await sql(indexes)).toEqual([{ count: 4 }])
    expect(await sql(indexes.replace(String(first!.name), String(second!.name)))).toEqual([{ count: 4 }])
  })

  it('is open to those to whom it was, and what belongs to it, too', async () => {
    const as = new URL(url.reveal())
    as.username = user
    as.password = 'x'
    const theirs = (text: string) => rowsOf(new Secret(as.href), text)
    expect(await theirs('select count(*)::int from audit_events')).toEqual([{ count: 2000 }])
    expect(await theirs('select from audit_archives')).toEqual([])
    await expect(theirs('delete from audit_events')).rejects.toThrow(/permission denied/)
    await sql(`drop owned by ${user}; drop role ${user}`)
  })

  it('is chained on by a release that knows of no months', async () => {
    await sql(`${EVENT} values ('cli_1', 2001, 1, now(), 'a', 'b', 'c', '', '')`)
    const [first] = await sql(MONTHS)
    const where = 'select tableoid::regclass::text as month from audit_events where sequence = 2001'
    expect(await sql(where)).toEqual([{ month: first!.name }])
  })
})
