import { jest } from '@jest/globals'
import pg from 'pg'
import { Log } from '#platform/observability/log.js'
import { parseMasterKeys } from '#platform/secrets/parse-master-keys.js'
import { Signer } from '#platform/secrets/signer.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { explain } from '#platform/testing/explain.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { ChainArrivals } from './chain-arrivals.js'
import { type EventFilter, FIND_EVENTS, FindEvents } from './find-events.js'

/** Of each of three clients, one a minute from 2026-01-01 on: four weeks. */
const ROWS = 40_000
/** Blocks of 8 KiB that a page may touch; the table has thousands. */
const FEW = 400
const day = (n: number, time = '00:00') => new Date(`2026-01-${String(n).padStart(2, '0')}T${time}:00Z`)

describe('among many acts', () => {
  const ground = databaseForTests([])
  const sql = (text: string, values: unknown[] = []) =>
    ground.database.read((em) => em.execute<Record<string, unknown>[]>(text, values))
  const events = () => new FindEvents(ground.database)

  beforeAll(async () => {
    for (const client of ['cli_1', 'cli_2', 'cli_3']) {
      await sql(
        `insert into audit_events (client_id, sequence, version, at, act, actor, service_account_id, mailbox, subject, previous, hash)
         select ?, n, 1, timestamptz '2026-01-01' + n * interval '1 minute', 'token.refreshed', 'client:x',
           case when n % 4000 = 0 then 'ser_rare_' || ? else 'ser_' || ? end, 'user' || n % 4000 || '@acme.test', 'gra', '', ''
         from generate_series(1, ${ROWS}) n`,
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
    const { clientIds = null, serviceAccountIds = null, from = null, until = null, mailbox } = filter
    const values = [clientIds, serviceAccountIds, from, until, null, null, 50, ...(mailbox ? [mailbox] : [])]
    const which = mailbox ? 'ofMailbox' : serviceAccountIds ? 'ofServiceAccounts' : 'ofChains'
    const { scans, blocks } = await explain(ground.database, FIND_EVENTS[which].text, values)
    expect(scans).not.toContain('audit_events')
    expect(blocks).toBeLessThan(FEW)
  })

  it('pages follow one another through every chain, and cost the same far behind', async () => {
    const behind = { clientId: 'cli_1', sequence: ROWS - 20 }
    const page = await events().find({}, { after: behind, limit: 50 })
    expect(page.map(({ client_id, sequence }) => `${client_id} ${sequence}`)).toEqual([
      ...Array.from({ length: 20 }, (_, n) => `cli_1 ${ROWS - 19 + n}`),
      ...Array.from({ length: 30 }, (_, n) => `cli_2 ${n + 1}`),
    ])
    const values = [null, null, null, null, behind.clientId, behind.sequence, 50]
    expect((await explain(ground.database, FIND_EVENTS.ofChains.text, values)).blocks).toBeLessThan(FEW)
  })

  it('a batch gets its places without a look at the rest of the chain, or of what waits', async () => {
    const signer = new Signer(parseMasterKeys(`k1:${Buffer.alloc(32, 1).toString('base64')}`).keys!)
    const arrivals = new ChainArrivals(ground.database, new HeldClock(), signer, new Log('silent'))
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
    const signer = new Signer(parseMasterKeys(`k1:${Buffer.alloc(32, 1).toString('base64')}`).keys!)
    const arrivals = new ChainArrivals(ground.database, clock, signer, new Log('silent'))
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
