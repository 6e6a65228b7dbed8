import { jest } from '@jest/globals'
import pg from 'pg'
import { CallbackHost } from '#domain/deliveries/callback-host.entity.js'
import type { Grant } from '#domain/grants/grant.entity.js'
import { minutes } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { explain } from '#platform/testing/explain.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { FIND_DEAD_LETTERS } from './dead-letter-statements.js'
import { FIND_REQUEST, RECORD_GRANT } from './decision-statements.js'
import { CallbackAttempt, DelegatedAccessRequest } from './delegated-access-request.entity.js'
import { CLAIM_DELIVERY, RECORD_DELIVERY } from './delivery-statements.js'
import { FindRequests } from './find-requests.js'
import { SweepRequests, TAKE_DUE } from './sweep-requests.js'

const DONE = 60_000
/** Blocks of 8 KiB that a lookup may touch; the table has thousands. */
const FEW = 400

describe('among many requests that are done', () => {
  const ground = databaseForTests([DelegatedAccessRequest, CallbackAttempt, CallbackHost])
  const clock = new HeldClock()
  const grant = { clientId: 'cli_acme', serviceAccountId: 'ser_1', accountId: null } as Grant

  const sql = (text: string, values: unknown[] = []) =>
    ground.database.read((em) => em.execute<Record<string, unknown>[]>(text, values))

  /** `what` as SQL over `n`, the number of the row. */
  const insert = (from: number, to: number, what: Record<string, string>) =>
    sql(
      `insert into delegated_access_requests (id, client_id, service_account_id, fingerprint, email, callback_url,
         callback_host, scope, state, decision, callback, abandoned_because, attempts, ring_at, created_at, decided_at)
       select 'dar_' || lpad(to_hex(n), 24, '0'), 'cli_acme', ${what.ser ?? `'ser_1'`}, '', 'user' || n || '@acme.test',
         'https://' || ${what.host ?? `'app.acme.test'`} || '/cb', ${what.host ?? `'app.acme.test'`}, '{read_only}', 'state-' || n, ${what.decision ?? `'granted'`},
         ${what.callback ?? `'delivered'`}, ${what.because ?? 'null'}, ${what.attempts ?? '1'}, ${what.ringAt ?? 'null'},
         timestamptz '2026-02-01' + n * interval '1 second', timestamptz '2026-02-01' + n * interval '1 second'
       from generate_series(${from}, ${to}) n`,
    )

  beforeAll(async () => {
    const due = `timestamptz '${clock.now().toISOString()}' - interval '1 minute'`
    await insert(1, 200, { callback: `'waiting'`, ringAt: due })
    await insert(201, 210, { decision: `'pending'`, callback: `'waiting'`, attempts: '0', ringAt: due })
    await insert(211, 230, { decision: `'denied'` })
    await insert(231, 250, { callback: `'abandoned'`, because: `'gone'`, host: `'down.test'` })
    await insert(251, DONE, {})
    await sql('analyze delegated_access_requests')
  })

  /** `rows`: the most that one part of the plan has read. */
  const explained = (text: string, values: readonly unknown[]) => explain(ground.database, text, values)

  it('the sweeper finds what is due by one small index', async () => {
    const { scans, blocks } = await explained(TAKE_DUE.text, [clock.now(), clock.now(), 5])
    expect(scans).toEqual([])
    expect(blocks).toBeLessThan(FEW)
  })

  it.each<[string, Record<string, string>, number]>([
    ['pending', { status: 'pending' }, 10],
    ['denied', { status: 'denied' }, 20],
    ['cancelled', { status: 'cancelled' }, 0],
    ['waiting', { callback: 'waiting' }, 50],
    ['abandoned', { callback: 'abandoned' }, 20],
    ['of one state', { state: 'state-59000' }, 1],
    ['of one mailbox', { email: 'user59000@acme.test' }, 1],
    ['granted', { status: 'granted' }, 50],
    ['of all kinds', {}, 50],
  ])('those that are %s are listed without a scan', async (_what, filter, found) => {
    const asked = jest.spyOn(pg.Client.prototype, 'query')
    const page = await new FindRequests(ground.database, clock).list(grant, { ...filter, limit: 50 })
    const [text, values] = queryOf(asked.mock.calls as unknown[][])
    asked.mockRestore()
    expect(page.rows).toHaveLength(found)
    const { scans, blocks } = await explained(text, values)
    expect(scans).toEqual([])
    expect(blocks).toBeLessThan(FEW)
  })

  it.each([
    ['all', null],
    ['service_account', 'ser_1'],
    ['host', 'down.test'],
  ] as const)('dead letters (%s) are listed without a scan', async (scope, of) => {
    const { scans, blocks } = await explained(FIND_DEAD_LETTERS[scope].text, [of, null, null, 50])
    expect(scans).toEqual([])
    expect(blocks).toBeLessThan(FEW)
  })

  it('two sweepers ring once for each row that is due, and wake jobs that wait for a later time', async () => {
    await sql('update delegated_access_requests set ring_at = ?::timestamptz where ring_at is not null', [clock.now()])
    const rung: [string, number][] = []
    const doorbell = {
      ringNow: async ({ name }: { name: string }, payloads: unknown[]) => void rung.push([name, payloads.length]),
    }
    const sweeper = () => new SweepRequests(ground.database, clock, doorbell as never, new Log('silent'))
    const swept = await Promise.all([sweeper().sweep(), sweeper().sweep()])
    expect(swept.reduce((sum, n) => sum + n)).toBe(210)
    const rungFor = (job: string) => rung.filter(([name]) => name === job).reduce((sum, [, n]) => sum + n, 0)
    expect([rungFor('mint-access'), rungFor('deliver-callback')]).toEqual([10, 200])
    expect(await sweeper().sweep()).toBe(0)
    clock.advance(minutes(1))
    expect(await sweeper().sweep()).toBe(210)
  })

  describe('when a backlog comes that the planner has not counted', () => {
    const BACKLOG = 5_000
    const ids = Array.from({ length: 20 }, (_, n) => `dar_${(DONE + 1 + n * 7).toString(16).padStart(24, '0')}`)
    const many = (value: unknown) => ids.map(() => value)
    const each = (what: string) => ids.map((id) => `${what}_${id}`)
    const now = clock.now()

    beforeAll(async () => {
      await sql(`insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
         values ('cli_acme', 'Acme', '{}', '{}', '', now())`)
      await sql(
        `insert into service_accounts (id, client_id, provider, organisation_id, organisation_name, domains,
           administrator_email, credential_source, credential_version, scope, delegated_scope, created_at, updated_at)
         values ('ser_1', 'cli_acme', 'google', 'C1', 'Acme', '{}', '', 'operator', 'v', '{}', '{}', now(), now())`,
      )
      await insert(DONE + 1, DONE + BACKLOG, { decision: `'pending'`, callback: `'waiting'`, attempts: '0' })
    })

    it.each<[string, string, unknown[]]>([
      ['asked for', FIND_REQUEST.text, [ids]],
      [
        'decided',
        RECORD_GRANT.text,
        [
          ids,
          many(now),
          many(now),
          each('acc'),
          each('pro'),
          each('gra'),
          each('mail'),
          many('person'),
          many(null),
          ids,
          ...[many(now), each('hash'), many(now)],
        ],
      ],
      [
        'claimed',
        CLAIM_DELIVERY.text,
        [ids, many(now), many(now), each('hash'), many(now), many('app.acme.test'), many(false)],
      ],
      [
        'told',
        RECORD_DELIVERY.text,
        [ids, many(1), many(5), many(200), many(null), many('delivered'), many(null), many(now), many(now), many(null)],
      ],
    ])('a batch is %s by its ids, and reads nothing of the rest', async (_what, text, values) => {
      const { rows } = await explained(text, values)
      expect(rows).toBeGreaterThanOrEqual(ids.length)
      expect(rows).toBeLessThan(BACKLOG / 5)
    })
  })
})

/** The one question about requests among what was sent, in either form that the driver takes. */
function queryOf(calls: unknown[][]): [text: string, values: unknown[]] {
  for (const [query, values] of calls) {
    const { text = query, values: own = values } = (typeof query === 'object' ? query : {}) as Record<string, unknown>
    if (typeof text === 'string' && /^select.*"?delegated_access_requests/s.test(text))
      return [text, (own as unknown[]) ?? []]
  }
  throw new Error('nothing was asked about requests')
}
