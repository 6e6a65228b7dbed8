import { minutes, seconds } from '#platform/clock/clock.js'
import type { Database } from '#platform/database/database.js'
import { FindDeadLetters } from './find-dead-letters.js'
import { FindRequests } from './find-requests.js'
import { MeasureBacklog } from './measure-backlog.js'
import { RedeliverDeadLetters } from './redeliver-dead-letters.js'
import { callbacksForTests } from './testing/callbacks-for-tests.js'

describe('callbacks that were given up', () => {
  const stage = callbacksForTests()
  const { clock, denied, deliver, failing, hostOf, log, sql } = stage
  const letters = () => new FindDeadLetters(stage.database, new FindRequests(stage.database, clock))
  const redeliver = () => new RedeliverDeadLetters(stage.database, clock, log)

  it('are listed with the reason, page by page, by service account and by host, and withdrawn ones are not', async () => {
    failing(410)
    const gone: string[] = []
    for (let n = 0; n < 3; n++) {
      gone.unshift(await denied())
      await deliver(gone[0]!)
      clock.advance(1)
    }
    const foreign = await denied({ ser: 'ser_2' })
    await deliver(foreign)
    const withdrawn = await denied()
    await sql(
      `update delegated_access_requests set callback = 'abandoned', abandoned_because = 'withdrawn' where id = ?`,
      [withdrawn],
    )
    const ids = async (scope: 'all' | 'service_account' | 'host', of: string | null) => {
      const found: string[] = []
      for (let cursor: string | undefined, more = true; more; ) {
        const page = await letters().list({ scope, of, limit: 2, ...(cursor && { cursor }) })
        found.push(...page.rows.map(({ id }) => id))
        for (const { id } of page.rows) expect(page.circumstances.get(id)?.lastAttempt?.status).toBe(410)
        cursor = page.nextCursor ?? undefined
        more = cursor !== undefined
      }
      return found
    }
    expect(await ids('all', null)).toEqual([foreign, ...gone])
    expect(await ids('service_account', 'ser_1')).toEqual(gone)
    expect(await ids('host', hostOf(stage.receiver))).toEqual([foreign, ...gone])
    expect(await ids('host', 'elsewhere.test')).toEqual([])
    const spelt = await denied({ url: 'https://Bücher.TEST:443/cb' })
    await sql(`update delegated_access_requests set callback = 'abandoned', abandoned_because = 'gone' where id = ?`, [
      spelt,
    ])
    const page = await letters().list({ scope: 'host', of: 'xn--bcher-kva.test', limit: 2 })
    expect(page.rows.map(({ id }) => id)).toEqual([spelt])
  })

  it('are listed also where they leave while the page is put together', async () => {
    failing(410)
    const [older, newer] = [await denied(), await denied()].sort()
    for (const id of [older, newer]) await deliver(id!)
    const leaving = {
      run: async (...asked: Parameters<Database['run']>) => {
        const found = await stage.database.run(...asked)
        await sql('delete from callback_attempts where request_id in (?, ?)', [older, newer])
        await sql('delete from delegated_access_requests where id in (?, ?)', [older, newer])
        return found
      },
      read: (...asked: Parameters<Database['read']>) => stage.database.read(...asked),
    } as Database
    const letters = new FindDeadLetters(leaving, new FindRequests(stage.database, clock))
    const page = await letters.list({ scope: 'service_account', of: 'ser_1', limit: 1 })
    expect(page).toMatchObject({ rows: [{ id: newer }], nextCursor: expect.any(String) })
  })

  it('are told once more in batches, and those that are given up again meanwhile do not keep it going', async () => {
    await sql(
      `insert into delegated_access_requests (id, client_id, service_account_id, fingerprint, email, callback_url,
         callback_host, scope, decision, callback, abandoned_because, created_at, decided_at, ended_at)
       select 'dar_' || lpad(to_hex(1000000 + n), 24, '0'), 'cli_acme', 'ser_1', '', 'a@acme.test', 'https://down.test/cb',
         'down.test', '{}', 'denied', 'abandoned', 'schedule_used_up', ?::timestamptz, ?::timestamptz, ?::timestamptz
       from generate_series(1, 1200) n`,
      [clock.now(), clock.now(), clock.now()],
    )
    const first = await redeliver().redeliverSome('service_account', 'ser_1')
    expect(first).toMatchObject({ redelivered: 500, done: false })
    clock.advance(seconds(1))
    await sql(
      `update delegated_access_requests set callback = 'abandoned', abandoned_because = 'gone', ring_at = null,
         ended_at = ?::timestamptz where callback = 'waiting'`,
      [clock.now()],
    )
    const second = await redeliver().redeliverSome('service_account', 'ser_1', first.abandonedBefore)
    const third = await redeliver().redeliverSome('service_account', 'ser_1', first.abandonedBefore)
    expect([second.redelivered, third.redelivered, third.done]).toEqual([500, 200, true])
    expect(await new MeasureBacklog(stage.database, clock).measure()).toMatchObject({
      undecided: 0,
      undelivered: 700,
      oldestUndeliveredSeconds: 1,
      ...{ untoldEvents: 0, oldestUntoldEventSeconds: null },
      overdueSeconds: 0,
    })
    const [record] = await sql<{ count: string }>(
      `select count(*) from audit_arrivals where act = 'access.redelivered' and service_account_id = 'ser_1'`,
    )
    expect(Number(record?.count)).toBeGreaterThanOrEqual(1200)
  })

  it('are behind with events that nobody has told, too, and not with those that have ended', async () => {
    await sql(
      `insert into client_events (id, client_id, type, data, delivery, ring_at, created_at)
       select 'evt_' || n, 'cli_acme', 'grant.ended', '{}', case when n > 3 then 'delivered' else 'waiting' end,
         case when n > 3 then null else ?::timestamptz + n * interval '1 second' end, ?::timestamptz
       from generate_series(1, 5) n`,
      [clock.now(), clock.now()],
    )
    clock.advance(minutes(2))
    expect(await new MeasureBacklog(stage.database, clock).measure()).toMatchObject({
      untoldEvents: 3,
      oldestUntoldEventSeconds: 120,
      overdueSeconds: 119,
    })
  })
})
