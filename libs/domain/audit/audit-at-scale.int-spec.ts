import { jest } from '@jest/globals'
import pg from 'pg'
import { after, days } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { parseMasterKeys } from '#platform/secrets/parse-master-keys.js'
import { Signer } from '#platform/secrets/signer.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { explain } from '#platform/testing/explain.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { AuditArchives } from './audit-archives.js'
import { AuditMonths } from './audit-months.js'
import { ChainArrivals } from './chain-arrivals.js'
import { asking, type EventFilter, FindEvents } from './find-events.js'

/** Of each of three clients, one a minute from 2026-01-15 on: four weeks. */
const ROWS = 40_000
const JANUARY = 'audit_events_2026_01'
const FEBRUARY = 'audit_events_2026_02'
/** Blocks of 8 KiB that a page may touch; the table has thousands. */
const FEW = 400
/** The first of those days, the second … */
const day = (n: number, time = '00:00') => after(new Date(`2026-01-14T${time}:00Z`), days(n))

describe('among many acts', () => {
  const ground = databaseForTests([])
  const sql = (text: string, values: unknown[] = []) =>
    ground.database.read((em) => em.execute<Record<string, unknown>[]>(text, values))
  const events = () => new FindEvents(ground.database)
  const chainerOf = (clock: HeldClock) => {
    const signer = new Signer(parseMasterKeys(`k1:${Buffer.alloc(32, 1).toString('base64')}`).keys!)
    const [log, archives] = [new Log('silent'), new AuditArchives(ground.database, signer)]
    return new ChainArrivals(
      ground.database,
      clock,
      signer,
      log,
      new AuditMonths(ground.database, clock, log),
      archives,
    )
  }

  beforeAll(async () => {
    for (const since of ['2025-01-01', '2025-04-01', '2025-07-01', '2025-10-01', '2026-01-01'])
      await sql('select make_audit_months(?)', [since])
    for (const client of ['cli_1', 'cli_2', 'cli_3']) {
      await sql(
        `insert into audit_events (client_id, sequence, version, at, month, act, actor, service_account_id, mailbox, subject, previous, hash)
         select ?, n, 1, at, date_trunc('month', at at time zone 'UTC'), 'token.refreshed', 'client:x',
           case when n % 4000 = 0 then 'ser_rare_' || ? else 'ser_' || ? end, 'user' || n % 4000 || '@acme.test', 'gra', '', ''
         from generate_series(1, ${ROWS}) n,
           lateral (select timestamptz '2026-01-15T00:00:00Z' + n * interval '1 minute' as at) done`,
        [client, client, client],
      )
      await sql(
        `insert into audit_heads (client_id, sequence, hash, signed_at, signature) values (?, ${ROWS}, '', now(), '')`,
        [client],
      )
      await sql(
        `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
         values (?, '', '{}', '{}', '', now())`,
        [client],
      )
      await sql(
        `insert into service_accounts (id, client_id, provider, organisation_id, organisation_name, domains,
           administrator_email, credential_source, credential_version, scope, delegated_scope, created_at, updated_at)
         select kind || ?, ?, 'google', kind || ?, '', '{}', '', 'operator', '', '{}', '{}', now(), now()
         from unnest(array['ser_', 'ser_rare_']) kind`,
        [client, client, client],
      )
    }
    // Written two minutes late, so it stands behind acts that were done after it.
    await sql(`update audit_events set at = at - interval '30 minutes' where client_id = 'cli_2' and sequence = 14420`)
    await sql('analyze audit_events')
  })

  it.each<[string, EventFilter, first: number | undefined, count: number]>([
    ['of all clients', {}, 1, 50],
    ['of one client', { clientIds: ['cli_2'] }, 1, 50],
    ['of a client that has none', { clientIds: ['cli_9'] }, undefined, 0],
    ['of a day', { clientIds: ['cli_2'], from: day(11), until: day(12) }, 14_400, 50],
    [
      'of half an hour, late ones with it',
      { clientIds: ['cli_2'], from: day(10, '23:40'), until: day(11) },
      14_380,
      21,
    ],
    ['of a day, in all chains', { from: day(28), until: day(29) }, 38_880, 50],
    ['of before there were any', { until: day(1) }, undefined, 0],
    ['of one service account', { serviceAccountIds: ['ser_rare_cli_2'], clientIds: ['cli_2'] }, 4_000, 10],
    [
      'of one service account on some days',
      { serviceAccountIds: ['ser_rare_cli_2'], from: day(9), until: day(13) },
      12_000,
      2,
    ],
    ['of one mailbox', { mailbox: 'user7@acme.test' }, 7, 30],
    ['of one mailbox on a day', { mailbox: 'user7@acme.test', from: day(3), until: day(7) }, 4_007, 6],
  ])('those %s are listed without a scan', async (_what, filter, first, count) => {
    const found = await events().find(filter, { limit: 50 })
    expect([found[0]?.sequence, found.length]).toEqual([first, count])
    expect(found).toEqual([...found].sort((a, b) => a.client_id.localeCompare(b.client_id) || a.sequence - b.sequence))
    const { statement, values } = asking(filter, { limit: 50 })
    const { scans, blocks } = await explain(ground.database, statement.text, values)
    expect(scans.filter((table) => table === JANUARY || table === FEBRUARY)).toEqual([])
    expect(blocks).toBeLessThan(FEW)
  })

  const monthsReadFor = async (filter: EventFilter) => {
    const { statement, values } = asking(filter, { limit: 50 })
    const { tables } = await explain(ground.database, statement.text, values)
    return tables.filter((table) => table.startsWith('audit_events')).sort()
  }

  it.each<[string, EventFilter]>([
    ['of one client', { clientIds: ['cli_2'] }],
    ['of one service account', { serviceAccountIds: ['ser_cli_2'] }],
    ['of one mailbox', { mailbox: 'user7@acme.test' }],
  ])('those %s of a time are looked for in no month that was over when it began', async (_what, filter) => {
    const months = await monthsReadFor({ ...filter, from: new Date('2026-02-03'), until: new Date('2026-02-04') })
    expect(months).toContain(FEBRUARY)
    expect(months.filter((table) => table < FEBRUARY)).toEqual([])
    expect(await monthsReadFor({ ...filter, from: new Date('2026-02-01') })).toContain(JANUARY)
    expect(await monthsReadFor(filter)).toContain('audit_events_2025_01')
  })

  it('a row that got its place a minute after its month began is found by the time of its act', async () => {
    await sql(`insert into audit_events (client_id, sequence, version, at, month, act, actor, previous, hash)
      values ('cli_late', 1, 1, '2026-01-31T23:59:59Z', '2026-02-01', 'token.refreshed', 'client:x', '', '')`)
    await sql(
      `insert into audit_heads (client_id, sequence, hash, signed_at, signature) values ('cli_late', 1, '', now(), '')`,
    )
    const filter = { clientIds: ['cli_late'], from: new Date('2026-01-31'), until: new Date('2026-02-01') }
    expect(await events().find(filter, { limit: 50 })).toHaveLength(1)
  })

  it('pages follow one another through every chain, and cost the same far behind', async () => {
    const behind = { clientId: 'cli_1', sequence: ROWS - 20 }
    const page = await events().find({}, { after: behind, limit: 50 })
    expect(page.map(({ client_id, sequence }) => `${client_id} ${sequence}`)).toEqual([
      ...Array.from({ length: 20 }, (_, n) => `cli_1 ${ROWS - 19 + n}`),
      ...Array.from({ length: 30 }, (_, n) => `cli_2 ${n + 1}`),
    ])
    const { statement, values } = asking({}, { after: behind, limit: 50 })
    expect((await explain(ground.database, statement.text, values)).blocks).toBeLessThan(FEW)
  })

  it('a batch gets its places without a look at the rest of the chain, or of what waits', async () => {
    const arrivals = chainerOf(new HeldClock())
    const arrive = (acts: number) =>
      sql(
        `insert into audit_arrivals (client_id, at, act, actor)
         select 'cli_long', now(), 'code.issued', 'mandate' from generate_series(1, ${acts})`,
      )
    await arrive(10_000)
    await arrivals.chain()
    await arrive(10_000)
    const asked = jest.spyOn(pg.Client.prototype, 'query')
    await arrivals.catchUp(['cli_long'])
    const statements = new Set(asked.mock.calls.map(([statement]) => textOf(statement)))
    asked.mockRestore()
    const own = [...statements].filter((text) => /from audit_(arrivals|events)\b.*cli_long/s.test(text))
    expect(own.length).toBeGreaterThan(3)
    const read = await Promise.all(own.map(async (text) => (await explain(ground.database, text, [])).rows))
    // A batch is 500.
    expect(Math.max(...read)).toBeLessThan(2_000)
  })

  it('a reader waits for some of a long backlog, is told how far the record goes, and the timer chains the rest', async () => {
    const clock = new HeldClock('2026-02-01T10:00:00Z')
    const arrivals = chainerOf(clock)
    await sql(
      `insert into audit_arrivals (client_id, at, act, actor)
       select 'cli_busy', timestamptz '2026-02-01T09:00:00Z' + n * interval '100 ms', 'code.issued', 'mandate'
       from generate_series(0, 4999) n`,
    )
    expect(await arrivals.catchUp(['cli_quiet'])).toEqual(clock.now())
    expect(await arrivals.catchUp(['cli_busy'])).toEqual(new Date('2026-02-01T09:06:40Z'))
    expect(await arrivals.chain()).toBeGreaterThanOrEqual(1_000)
    expect(await arrivals.catchUp()).toEqual(clock.now())
  })
})

const textOf = (query: unknown): string => (typeof query === 'string' ? query : (query as { text: string }).text)
