import { randomUUID } from 'node:crypto'
import { minutes } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { parseMasterKeys } from '#platform/secrets/parse-master-keys.js'
import { Secret } from '#platform/secrets/secret.js'
import { Signer } from '#platform/secrets/signer.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { AuditArchives } from './audit-archives.js'
import { AuditMonths, monthAfter, monthOf, tableOf } from './audit-months.js'
import { ChainArrivals } from './chain-arrivals.js'
import { recordAct } from './record-act.js'
import { VerifyChain } from './verify-chain.js'

/** Of the verifier. */
const PAGE = 1_000

describe('the months of the audit', () => {
  const { url } = testDatabase()
  const ground = databaseForTests([], url)
  const signer = new Signer(parseMasterKeys(`k1:${Buffer.alloc(32, 1).toString('base64')}`).keys!)
  const logged: string[] = []
  const log = new Log('info', (line) => logged.push(line))
  const sql = (text: string, values: unknown[] = []) =>
    ground.database.read((em) => em.execute<Record<string, unknown>[]>(text, values))

  /** A process with a clock of its own. */
  const processAt = (time: string) => {
    const { database } = ground
    const clock = new HeldClock(time)
    const months = new AuditMonths(database, clock, log)
    const arrivals = new ChainArrivals(database, clock, signer, log, months, new AuditArchives(database, signer))
    const record = (clientId: string) =>
      database.inTransaction((tx) => recordAct(tx, { clientId, at: clock.now(), act: 'code.issued' }))
    const verify = async (clientId: string) =>
      (await new VerifyChain(database, signer, arrivals).verify(clientId)).finding
    return { clock, months, arrivals, record, verify }
  }
  const placesOf = async (client: string) =>
    (
      await sql(
        `select sequence::int as sequence, tableoid::regclass::text as "table" from audit_events where client_id = ?
         order by sequence`,
        [client],
      )
    ).map(({ sequence, table }) => `${sequence} ${String(table).replace('audit_events_', '')}`)

  it('are there for this one and two ahead in a new database', async () => {
    const present = monthOf(new Date())
    const months = [present, monthAfter(present), monthAfter(monthAfter(present))]
    const bounds = await sql(
      `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bounds
       from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit_events'::regclass order by 1`,
    )
    expect(bounds).toEqual(
      months.map((month) => ({
        name: tableOf(month),
        bounds: `FOR VALUES FROM ('${month}') TO ('${monthAfter(month)}')`,
      })),
    )
  })

  it('are made by whoever may not create a table, and none so far ahead that it could fill the catalogue', async () => {
    const user = `process_${randomUUID().slice(0, 8)}`
    await sql(`create role ${user} login password 'x'`)
    const as = new URL(url.reveal())
    as.username = user
    as.password = 'x'
    const theirs = (text: string) => rowsOf(new Secret(as.href), text)
    await expect(theirs('create table mine (id int)')).rejects.toThrow(/permission denied/)
    await expect(theirs(`select make_audit_months('2999-01-01')`)).rejects.toThrow(/too far ahead/)
    await theirs(`select make_audit_months('2024-12-15')`)
    const made = await sql(
      `select to_regclass('audit_events_2024_12') is not null and to_regclass('audit_events_2025_02') is not null as made`,
    )
    expect(made).toEqual([{ made: true }])
    await sql(`drop role ${user}`)
  })

  it('have a row each where it got its place, and a chain goes through them', async () => {
    const it = processAt('2026-02-28T23:58:00Z')
    for (const _ of [1, 2, 3]) {
      await it.record('cli_1')
      await it.arrivals.chain()
      it.clock.advance(minutes(2))
    }
    await processAt('2026-02-28T23:59:00Z').record('cli_1')
    await it.arrivals.chain()
    expect(await placesOf('cli_1')).toEqual(['1 2026_02', '2 2026_03', '3 2026_03', '4 2026_03'])
    expect(await it.verify('cli_1')).toBeNull()
  })

  it('follow one another in a chain when the clock of one process goes behind', async () => {
    const [ahead, behind] = [processAt('2026-04-01T00:00:01Z'), processAt('2026-03-31T23:59:59Z')]
    for (const { record, arrivals } of [ahead, behind]) {
      await record('cli_2')
      await arrivals.chain()
    }
    expect(await placesOf('cli_2')).toEqual(['1 2026_04', '2 2026_04'])
    expect(await ahead.verify('cli_2')).toBeNull()
  })

  it('that nobody could make stop no act: its record waits, the log says so, and it is chained when there is one', async () => {
    const it = processAt('2026-09-10T10:00:00Z')
    await sql('alter function make_audit_months(date) rename to made_by_nobody')
    await it.record('cli_3')
    expect(await it.arrivals.chain()).toBe(0)
    const events = logged.map((line) => JSON.parse(line).msg)
    expect(events).toEqual(expect.arrayContaining(['audit.months_not_made', 'audit.not_chained']))
    expect(await sql(`select 1 from audit_arrivals where client_id = 'cli_3'`)).toHaveLength(1)

    await sql('alter function made_by_nobody(date) rename to make_audit_months')
    it.clock.advance(minutes(60))
    await it.arrivals.chain()
    expect(await placesOf('cli_3')).toEqual(['1 2026_09'])
    expect(await it.months.ahead()).toBeGreaterThanOrEqual(2)
  })

  it('keep a number out that the chain has had in the same month', async () => {
    const it = processAt('2026-07-10T10:00:00Z')
    await it.record('cli_6')
    await it.arrivals.chain()
    const again = sql(
      `insert into audit_events (client_id, sequence, version, month, at, act, actor, previous, hash)
       select client_id, sequence, version, month, at, act, actor, previous, hash from audit_events
       where client_id = 'cli_6'`,
    )
    await expect(again).rejects.toThrow(/duplicate key/)
  })

  it('keep no number out that another month has: who verifies finds it, also where a page ends', async () => {
    const it = processAt('2026-05-10T10:00:00Z')
    await sql(
      `insert into audit_arrivals (client_id, at, act, actor)
       select 'cli_4', ?::timestamptz, 'code.issued', 'mandate' from generate_series(1, ?) n`,
      [it.clock.now(), PAGE + 5],
    )
    await it.arrivals.chain()
    expect(await it.verify('cli_4')).toBeNull()
    await sql(
      `insert into audit_events (client_id, sequence, version, month, at, act, actor, previous, hash)
       select client_id, sequence, version, '2026-06-01', at, act, actor, previous, hash from audit_events
       where client_id = 'cli_4' and sequence = ?`,
      [PAGE],
    )
    expect(await it.verify('cli_4')).toMatchObject({ tampering: 'planted', sequence: PAGE })
  })

  it('hold no row that was done after them: lists of that time would not come by it', async () => {
    const it = processAt('2026-05-10T10:00:00Z')
    for (const _ of [1, 2, 3]) await it.record('cli_5')
    await it.arrivals.chain()
    await sql(`update audit_events set month = '2026-04-01' where client_id = 'cli_5' and sequence = 2`)
    expect(await it.verify('cli_5')).toMatchObject({ tampering: 'reordered', sequence: 2 })
  })

  it.each([
    ['2026-01-01', '2026-02-01'],
    ['2026-02-01', '2026-03-01'],
    ['2026-12-01', '2027-01-01'],
  ] as const)('are counted: after %s comes %s', (month, next) => {
    expect(monthAfter(month)).toBe(next)
  })
})
