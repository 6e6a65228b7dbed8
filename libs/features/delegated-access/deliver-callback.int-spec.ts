import type { ServerResponse } from 'node:http'
import { DELIVERY_SCHEDULE } from '#domain/deliveries/delivery-lifecycle.js'
import { after, hours, minutes, seconds } from '#platform/clock/clock.js'
import { until } from '#platform/testing/until.js'
import { RECORD_DELIVERY } from './delivery-statements.js'
import { SWEEP_AFTER } from './request-lifecycle.js'
import { TAKE_DUE } from './sweep-requests.js'
import { callbacksForTests } from './testing/callbacks-for-tests.js'

describe('callbacks', () => {
  const stage = callbacksForTests()
  const { acts, answerWith, clock, denied, deliver, failing, hostOf, row, sql, waitOf, worker } = stage

  it('are tried nine times over about 18 hours, and then abandoned', async () => {
    failing(500)
    const id = await denied()
    const waits: (number | null)[] = []
    for (const _ of DELIVERY_SCHEDULE) {
      const next = await deliver(id)
      waits.push(waitOf(next))
      clock.advance(waitOf(next) ?? 0)
    }
    expect(waits).toEqual([...DELIVERY_SCHEDULE.slice(1), null])
    expect(await row(id)).toMatchObject({ callback: 'abandoned', abandonedBecause: 'schedule_used_up', attempts: 9 })
    expect((await row(id)).ringAt).toBeNull()
    expect(await deliver(id)).toBeNull()
    expect((await row(id)).attempts).toBe(9)
  })

  it.each<[string, number]>([
    ['3600', hours(1)],
    ['0', seconds(5)],
    ['-7', seconds(5)],
    ['99999999', hours(1)],
    ['soon', seconds(5)],
    ['Sun, 01 Jan 2006 00:00:00 GMT', seconds(5)],
  ])(
    'wait as long as Retry-After: %s asks, never shorter than scheduled and never longer than an hour',
    async (value, wait) => {
      failing(429, { 'retry-after': value })
      expect(waitOf(await deliver(await denied()))).toBe(wait)
    },
  )

  it('wait until the date that Retry-After names', async () => {
    failing(503, { 'retry-after': new Date(clock.now().getTime() + minutes(40)).toUTCString() })
    const wait = waitOf(await deliver(await denied()))!
    expect(Math.abs(wait - minutes(40))).toBeLessThan(seconds(2))
  })

  it('are made once, whoever else tries at the same time', async () => {
    const id = await denied()
    const before = stage.receiver.requests.length
    await Promise.all([deliver(id), deliver(id, stage.receiver, worker()), deliver(id, stage.receiver, worker())])
    expect(stage.receiver.requests.length - before).toBe(1)
    expect(await row(id)).toMatchObject({ callback: 'delivered', attempts: 1 })
  })

  it('are told at once by whoever has decided, and left to a job of their own for a second attempt', async () => {
    const heard = await denied()
    expect(
      await stage.deliverCallback.deliverAtOnce({
        requestId: heard,
        clientId: 'cli_acme',
        host: hostOf(stage.receiver),
      }),
    ).toBe(true)
    expect(await row(heard)).toMatchObject({ callback: 'delivered', attempts: 1 })

    failing()
    const unheard = await denied()
    expect(
      await stage.deliverCallback.deliverAtOnce({
        requestId: unheard,
        clientId: 'cli_acme',
        host: hostOf(stage.receiver),
      }),
    ).toBe(false)
    expect(await row(unheard)).toMatchObject({ callback: 'waiting', attempts: 1 })
    expect(waitOf(await deliver(unheard))).toBe(seconds(5))
  })

  it('that a worker died over are taken up when the lease has ended, and not before', async () => {
    const id = await denied()
    const leased = new Date(clock.now().getTime() + seconds(15))
    await sql('update delegated_access_requests set attempts = 1, lease_until = ?::timestamptz where id = ?', [
      leased,
      id,
    ])
    expect(await deliver(id)).toBeNull()
    expect((await row(id)).attempts).toBe(1)
    clock.advance(seconds(15) + 1)
    await deliver(id)
    expect(await row(id)).toMatchObject({ callback: 'delivered', attempts: 2 })
  })

  it('that are rung for too early wait for their time, and cost no attempt', async () => {
    failing()
    const id = await denied()
    const next = await deliver(id)
    const seen = stage.receiver.requests.length
    clock.advance(seconds(5) - 1)
    expect(await deliver(id)).toEqual(next)
    expect(await row(id)).toMatchObject({ callback: 'waiting', attempts: 1, ringAt: next })
    expect(stage.receiver.requests).toHaveLength(seen)
    // The sweeper puts its own next ring later, and that is no reason to wait.
    clock.advance(1)
    await stage.database.run(TAKE_DUE, [clock.now(), after(clock.now(), SWEEP_AFTER), 1000])
    await deliver(id)
    expect(await row(id)).toMatchObject({ callback: 'waiting', attempts: 2 })
  })

  it('that were withdrawn while they were under way are on record as attempts, and as nothing more', async () => {
    const held: ServerResponse[] = []
    answerWith((response) => void held.push(response))
    const id = await denied()
    const delivery = deliver(id)
    await until('the callback to arrive', () => held.length === 1)
    await sql(`update delegated_access_requests set callback = 'abandoned', abandoned_because = 'withdrawn', ring_at = null
      where id = '${id}'`)
    held[0]!.writeHead(410).end()
    await delivery
    expect(await row(id)).toMatchObject({ callback: 'abandoned', abandonedBecause: 'withdrawn' })
    expect(await acts(id)).toEqual([
      { act: 'callback.attempted', details: { attempt: 1, status: 410, callback: null } },
    ])
  })

  it('are put on record once, though the record is made again after its answer was lost', async () => {
    const id = await denied()
    await deliver(id)
    const recorded = [id, 1, 5, 200, null, 'delivered', null, clock.now(), clock.now(), null] as const
    expect(await stage.database.runTogether(RECORD_DELIVERY, recorded)).toBeUndefined()
    expect(await acts(id)).toEqual([
      { act: 'callback.attempted', details: { attempt: 1, status: 200, callback: 'delivered' } },
    ])
  })

  describe('about what was granted', () => {
    /** Whose first callback has failed, so that a code was sent and not heard. */
    async function granted(): Promise<string> {
      const id = await denied()
      await sql(`insert into grants (id, client_id, service_account_id, kind, scope, created_at)
        values ('gra_${id}', 'cli_acme', 'ser_1', 'person', '{read_only}', now())`)
      await sql(`update delegated_access_requests set decision = 'granted', error = null, scope = '{read_only}',
        grant_id = 'gra_${id}' where id = '${id}'`)
      failing()
      clock.advance(waitOf(await deliver(id)) ?? 0)
      answerWith((response) => response.end())
      return id
    }
    const narrowTo = (scopes: string | null) =>
      sql(`update service_accounts set narrowed_to = ? where id = 'ser_1'`, [scopes])
    const allowKinds = (kinds: string | null) =>
      sql(`update service_accounts set narrowed_kinds = ? where id = 'ser_1'`, [kinds])
    const end = (id: string) => sql(`update grants set revoked_at = now() where id = 'gra_${id}'`)
    const toldLast = () => JSON.parse(stage.receiver.requests.at(-1)!.body).authorization
    afterEach(async () => {
      await narrowTo(null)
      await allowKinds(null)
    })

    it.each([
      ['unable_to_grant_scope', 'scope.narrowed', /allowed less.*Ask again/, () => narrowTo('{free_busy}')],
      ['unable_to_grant_scope', 'scope.narrowed', /allowed less.*Ask again/, () => allowKinds('{room}')],
      ['access_denied', 'grant.ended', /has ended before you heard.*Ask again/, end],
    ])('and has ended since, tell %s with the key %s in place of a code', async (error, key, words, endIt) => {
      const id = await granted()
      expect(toldLast()).toEqual({ code: expect.any(String) })
      await endIt(id)
      expect(await deliver(id)).toBeNull()
      expect(toldLast()).toEqual({ error, error_key: key, error_description: expect.stringMatching(words) })
      const denied = { decision: 'denied', errorKey: key, grantId: null, callback: 'delivered', attempts: 2 }
      expect(await row(id)).toMatchObject(denied)
      const reasons = sql(`select reason from audit_arrivals where act = 'mint.denied' and subject = ?`, [id])
      expect(await reasons).toEqual([{ reason: key }])
    })

    it('tell the code where some of it is left', async () => {
      const id = await granted()
      await narrowTo('{free_busy,read_only}')
      await allowKinds('{person}')
      await deliver(id)
      expect(toldLast()).toEqual({ code: expect.any(String) })
    })

    it('are told by a code that was exchanged before the grant ended', async () => {
      const id = await granted()
      await sql(`update codes set redeemed_at = now() where request_id = '${id}'`)
      await end(id)
      const seen = stage.receiver.requests.length
      expect(await deliver(id)).toBeNull()
      expect(await row(id)).toMatchObject({ decision: 'granted', callback: 'delivered', attempts: 1 })
      expect(stage.receiver.requests).toHaveLength(seen)
    })

    it('tell nothing when the service account has ended with the grant', async () => {
      const id = await granted()
      await end(id)
      await sql(`update service_accounts set revoked_at = now() where id = 'ser_1'`)
      expect(await deliver(id)).toBeNull()
      await sql(`update service_accounts set revoked_at = null where id = 'ser_1'`)
      const withdrawn = { decision: 'granted', callback: 'abandoned', abandonedBecause: 'withdrawn', attempts: 1 }
      expect(await row(id)).toMatchObject(withdrawn)
    })
  })
})
