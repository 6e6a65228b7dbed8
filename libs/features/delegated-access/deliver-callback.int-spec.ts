import type { ServerResponse } from 'node:http'
import { CallbackHost } from '#domain/deliveries/callback-host.entity.js'
import { DeliveryParts } from '#domain/deliveries/deliver-message.js'
import { DELIVERY_SCHEDULE } from '#domain/deliveries/delivery-lifecycle.js'
import { HELD_BACK_AT_MOST, LONGEST_OPEN, OPEN_FOR, OPENS_AFTER } from '#domain/deliveries/host-breaker.js'
import { Account } from '#domain/grants/account.entity.js'
import { Code } from '#domain/grants/code.entity.js'
import { Codes } from '#domain/grants/codes.js'
import { Grant } from '#domain/grants/grant.entity.js'
import { after, hours, minutes, seconds } from '#platform/clock/clock.js'
import type { Database } from '#platform/database/database.js'
import { EgressClient } from '#platform/egress/egress-client.js'
import { EgressPolicy, LOOPBACK_RULES } from '#platform/egress/egress-policy.js'
import { type Receiver, startReceiver } from '#platform/egress/testing/receiver.js'
import { Log } from '#platform/observability/log.js'
import { RandomSource } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { until } from '#platform/testing/until.js'
import { CallbackAttempt, DelegatedAccessRequest } from './delegated-access-request.entity.js'
import { DeliverCallback } from './deliver-callback.js'
import { RECORD_DELIVERY } from './delivery-statements.js'
import { FindDeadLetters } from './find-dead-letters.js'
import { FindRequests } from './find-requests.js'
import { MeasureBacklog } from './measure-backlog.js'
import { RedeliverDeadLetters } from './redeliver-dead-letters.js'
import { SWEEP_AFTER } from './request-lifecycle.js'
import { TAKE_DUE } from './sweep-requests.js'

/** No jitter, so that times can be named. */
class MiddleOfTheRange extends RandomSource {
  #made = 0
  bytes(length: number) {
    this.#made += 1
    return Buffer.alloc(length, `${this.#made}.`)
  }
  integer(below: number) {
    return below / 2
  }
}

const CONCURRENCY = 8

describe('callbacks', () => {
  const ground = databaseForTests([Account, Grant, Code, DelegatedAccessRequest, CallbackAttempt, CallbackHost])
  const clock = new HeldClock()
  const random = new MiddleOfTheRange()
  const policy = new EgressPolicy({ allow: LOOPBACK_RULES })
  const unsigned = { keysOf: async () => ({}), headersFor: () => ({}) } as never
  const log = new Log('silent')
  let egress: EgressClient
  let receiver: Receiver
  let other: Receiver
  let answer: (response: ServerResponse) => void
  let requests = 0

  const worker = () => {
    const settings = { totalTimeoutMs: seconds(10) } as never
    const parts = new DeliveryParts(ground.database, clock, random, egress, policy, log, settings, CONCURRENCY)
    return new DeliverCallback(ground.database, new Codes(clock, random), unsigned, parts)
  }
  let deliverCallback: DeliverCallback

  beforeAll(async () => {
    for (const [id, client] of [
      ['ser_1', 'cli_acme'],
      ['ser_2', 'cli_globex'],
    ]) {
      await sql(`insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
        values ('${client}', 'A client', '{}', '{}', '', now())`)
      await sql(`insert into service_accounts (id, client_id, provider, organisation_id, organisation_name, domains,
        administrator_email, credential_source, credential_version, scope, delegated_scope, created_at, updated_at)
        values ('${id}', '${client}', 'google', '${id}', 'Acme', '{}', 'a@acme.test', 'operator', 'v', '{}', '{}', now(), now())`)
    }
    egress = new EgressClient(policy)
    receiver = await startReceiver((_request, response) => answer(response))
    other = await startReceiver((_request, response) => response.end())
  })
  beforeEach(async () => {
    await sql('delete from callback_attempts')
    await sql('delete from delegated_access_requests')
    await sql('delete from callback_hosts')
    answer = (response) => response.end()
    deliverCallback = worker()
  })
  afterAll(async () => {
    await Promise.all([receiver.close(), other.close()])
    await egress.close()
  })

  const sql = <Row>(text: string, values: unknown[] = []) =>
    ground.database.read((em) => em.execute<Row[]>(text, values))
  const failing = (status = 503, headers = {}) => {
    answer = (response) => response.writeHead(status, headers).end()
  }
  const hostOf = ({ port }: Receiver) => `127.0.0.1:${port}`

  /** Refused by the provider, so that there is something to tell and no grant to make up. */
  async function denied({ to = receiver, ser = 'ser_1', url = '' } = {}): Promise<string> {
    requests += 1
    const id = `dar_${requests.toString(16).padStart(24, '0')}`
    await sql(
      `insert into delegated_access_requests (id, client_id, service_account_id, fingerprint, email, callback_url,
         callback_host, scope, decision, error, callback, ring_at, created_at, decided_at)
       select ?, client_id, id, '', 'anna@acme.test', ?, ?, '{}', 'denied', 'access_denied', 'waiting', ?::timestamptz,
         ?::timestamptz, ?::timestamptz from service_accounts where id = ?`,
      [
        id,
        url || `http://${hostOf(to)}/cb`,
        new URL(url || `http://${hostOf(to)}`).host,
        clock.now(),
        clock.now(),
        clock.now(),
        ser,
      ],
    )
    return id
  }
  const deliver = (requestId: string, to = receiver, by = deliverCallback, clientId = 'cli_acme') =>
    by.deliver({ requestId, clientId, host: hostOf(to) })
  const row = (id: string) => ground.database.read((em) => em.findOneOrFail(DelegatedAccessRequest, { id }))
  const acts = async (id: string) =>
    (
      await sql<{ act: string; details: string }>('select act, details from audit_arrivals where subject = ?', [id])
    ).map(({ act, details }) => ({ act, details: JSON.parse(details) }))
  const failingHost = async () => (await ground.database.read((em) => em.find(CallbackHost, {})))[0]
  const waitOf = (next: Date | null) => (next === null ? null : next.getTime() - clock.now().getTime())

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
    const before = receiver.requests.length
    await Promise.all([deliver(id), deliver(id, receiver, worker()), deliver(id, receiver, worker())])
    expect(receiver.requests.length - before).toBe(1)
    expect(await row(id)).toMatchObject({ callback: 'delivered', attempts: 1 })
  })

  it('are told at once by whoever has decided, and left to a job of their own for a second attempt', async () => {
    const heard = await denied()
    expect(
      await deliverCallback.deliverAtOnce({ requestId: heard, clientId: 'cli_acme', host: hostOf(receiver) }),
    ).toBe(true)
    expect(await row(heard)).toMatchObject({ callback: 'delivered', attempts: 1 })

    failing()
    const unheard = await denied()
    expect(
      await deliverCallback.deliverAtOnce({ requestId: unheard, clientId: 'cli_acme', host: hostOf(receiver) }),
    ).toBe(false)
    expect(await row(unheard)).toMatchObject({ callback: 'waiting', attempts: 1 })
    expect(waitOf(await deliver(unheard))).toBe(seconds(5))
  })

  it('that hang, at however many hosts, leave a quarter of the jobs that decide free', async () => {
    const held: ServerResponse[] = []
    answer = (response) => void held.push(response)
    const third = await startReceiver((_request, response) => void held.push(response))
    const hosts = [receiver, third]
    const asked = await Promise.all(
      Array.from({ length: CONCURRENCY }, async (_, n) => ({
        id: await denied({ to: hosts[n % 2] }),
        to: hosts[n % 2]!,
      })),
    )
    const told = asked.map(({ id, to }) =>
      deliverCallback.deliverAtOnce({ requestId: id, clientId: 'cli_acme', host: hostOf(to) }),
    )
    await until('the hosts to hold all they are given', () => held.length === CONCURRENCY * 0.75)
    expect(await Promise.all(told.slice(CONCURRENCY * 0.75))).toEqual([false, false])
    const quiet = { requestId: 'dar_1', clientId: 'cli_acme', host: 'quiet.test' }
    expect(await deliverCallback.beginFirst(quiet)).toBeNull()
    for (const response of held) response.end()
    expect(await Promise.all(told)).toEqual([...Array(CONCURRENCY * 0.75).fill(true), false, false])
    await third.close()
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
    const seen = receiver.requests.length
    clock.advance(seconds(5) - 1)
    expect(await deliver(id)).toEqual(next)
    expect(await row(id)).toMatchObject({ callback: 'waiting', attempts: 1, ringAt: next })
    expect(receiver.requests).toHaveLength(seen)
    // The sweeper puts its own next ring later, and that is no reason to wait.
    clock.advance(1)
    await ground.database.run(TAKE_DUE, [clock.now(), after(clock.now(), SWEEP_AFTER), 1000])
    await deliver(id)
    expect(await row(id)).toMatchObject({ callback: 'waiting', attempts: 2 })
  })

  it('that were withdrawn while they were under way are on record as attempts, and as nothing more', async () => {
    const held: ServerResponse[] = []
    answer = (response) => void held.push(response)
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
    expect(await ground.database.runTogether(RECORD_DELIVERY, recorded)).toBeUndefined()
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
      answer = (response) => response.end()
      return id
    }
    const narrowTo = (scopes: string | null) =>
      sql(`update service_accounts set narrowed_to = ? where id = 'ser_1'`, [scopes])
    const allowKinds = (kinds: string | null) =>
      sql(`update service_accounts set narrowed_kinds = ? where id = 'ser_1'`, [kinds])
    const end = (id: string) => sql(`update grants set revoked_at = now() where id = 'gra_${id}'`)
    const toldLast = () => JSON.parse(receiver.requests.at(-1)!.body).authorization
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
      const seen = receiver.requests.length
      expect(await deliver(id)).toBeNull()
      expect(await row(id)).toMatchObject({ decision: 'granted', callback: 'delivered', attempts: 1 })
      expect(receiver.requests).toHaveLength(seen)
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

  describe('to a host that fails', () => {
    const failTimes = async (times: number) => {
      for (let n = 0; n < times; n++) await deliver(await denied())
    }

    it(`are held back after ${OPENS_AFTER} failures in a row, without losing an attempt, and others are not`, async () => {
      failing()
      await failTimes(OPENS_AFTER)
      const seen = receiver.requests.length
      const held = await denied()
      expect(waitOf(await deliver(held))).toBeGreaterThanOrEqual(OPEN_FOR)
      expect(receiver.requests).toHaveLength(seen)
      expect(await row(held)).toMatchObject({ callback: 'waiting', attempts: 0 })
      expect((await row(held)).ringAt?.getTime()).toBeGreaterThanOrEqual(clock.now().getTime() + OPEN_FOR)

      const elsewhere = await denied({ to: other })
      await deliver(elsewhere, other)
      const another = await denied({ ser: 'ser_2' })
      answer = (response) => response.end()
      await deliver(another)
      expect((await row(elsewhere)).callback).toBe('delivered')
      expect((await row(another)).callback).toBe('delivered')

      const shown = await new FindRequests(ground.database, clock).circumstancesOf([await row(held)])
      expect(shown.get(held)?.heldBackBy).toMatchObject({
        host: hostOf(receiver),
        failures: OPENS_AFTER,
        lastFailure: 'status 503',
      })
    })

    it('are not held back while some of them succeed', async () => {
      failing()
      await failTimes(OPENS_AFTER - 1)
      answer = (response) => response.end()
      await failTimes(1)
      failing()
      await failTimes(OPENS_AFTER - 1)
      expect((await failingHost())?.openUntil).toBeNull()
    })

    it('are not held back for answers that only mean this one callback', async () => {
      failing(404)
      await failTimes(OPENS_AFTER + 2)
      expect(await failingHost()).toBeUndefined()
    })

    it('send one probe when the time has come, whoever else comes, and all the rest once that is answered', async () => {
      failing()
      await failTimes(OPENS_AFTER)
      const waiting = [await denied(), await denied(), await denied()]
      clock.advance(OPEN_FOR + 1)
      const seen = receiver.requests.length
      const held: ServerResponse[] = []
      answer = (response) => void held.push(response)
      const first = deliver(waiting[0]!)
      await until('the probe to arrive', () => held.length === 1)
      // Others come while the probe is under way, in this process and in another.
      expect(waitOf(await deliver(waiting[1]!))).toBeGreaterThan(0)
      expect(waitOf(await deliver(waiting[2]!, receiver, worker()))).toBeGreaterThan(0)
      expect(receiver.requests.length - seen).toBe(1)
      held[0]!.end()
      await first
      expect(await failingHost()).toBeUndefined()
      answer = (response) => response.end()
      await Promise.all(waiting.map((id) => deliver(id)))
      for (const id of waiting) expect(await row(id)).toMatchObject({ callback: 'delivered', attempts: 1 })
    })

    it('send the next probe when one was never answered for, twice as late after each that failed, ten minutes at most', async () => {
      failing()
      await failTimes(OPENS_AFTER)
      const open = async () => (await failingHost())!.openUntil!.getTime() - clock.now().getTime()
      const pauses: number[] = []
      for (let probe = 0; probe < 6; probe++) {
        clock.advance((await open()) + 1)
        await deliver(await denied())
        pauses.push(await open())
      }
      expect(pauses).toEqual([60, 120, 240, 480, 600, 600].map(seconds))
      expect(Math.max(...pauses)).toBe(LONGEST_OPEN)

      // This one takes the probe and dies: its lease is all that it leaves.
      clock.advance((await open()) + 1)
      const lease = new Date(clock.now().getTime() + seconds(15))
      await sql('update callback_hosts set open_until = ?::timestamptz', [lease])
      const next = await denied()
      expect(waitOf(await deliver(next))).toBeGreaterThanOrEqual(seconds(15))
      clock.advance(seconds(15) + 1)
      answer = (response) => response.end()
      await deliver(next)
      expect((await row(next)).callback).toBe('delivered')
    })

    it('do not spend a probe on what has nothing to tell any more, or not yet', async () => {
      failing()
      const early = await denied()
      await deliver(early)
      await sql('update delegated_access_requests set next_attempt_at = ?::timestamptz where id = ?', [
        after(clock.now(), hours(1)),
        early,
      ])
      await failTimes(OPENS_AFTER)
      const done = await denied()
      await sql(`update delegated_access_requests set callback = 'abandoned', ring_at = null where id = ?`, [done])
      clock.advance(OPEN_FOR + 1)
      const before = (await failingHost())!.openUntil
      expect(await deliver(done)).toBeNull()
      expect(waitOf(await deliver(early))).toBeGreaterThan(OPEN_FOR)
      expect((await failingHost())!.openUntil).toEqual(before)
    })

    it('are abandoned after three days, and wait three more when they are redelivered', async () => {
      failing()
      const early = await denied()
      await failTimes(OPENS_AFTER)
      clock.advance(HELD_BACK_AT_MOST + minutes(1))
      await sql('update callback_hosts set open_until = ?::timestamptz', [new Date(clock.now().getTime() + minutes(5))])
      expect(await deliver(early)).toBeNull()
      expect(await row(early)).toMatchObject({
        callback: 'abandoned',
        abandonedBecause: 'host_unavailable',
        attempts: 0,
        ringAt: null,
      })

      const redeliver = new RedeliverDeadLetters(ground.database, clock, log)
      expect(await redeliver.redeliverSome('host', hostOf(receiver))).toMatchObject({ redelivered: 1, done: true })
      expect(waitOf(await deliver(early))).toBeGreaterThan(0)
      expect(await row(early)).toMatchObject({ callback: 'waiting', attempts: 0 })
    })
  })

  it('to a host that hangs hold half of a worker at most, and everybody else is told meanwhile', async () => {
    const hanging: ServerResponse[] = []
    answer = (response) => void hanging.push(response)
    const stuck = await Promise.all(Array.from({ length: 100 }, () => denied()))
    const healthy = await Promise.all(Array.from({ length: 50 }, () => denied({ to: other })))
    // As a worker does it: so many jobs at once, in the order in which they were rung for.
    const jobs = [...stuck.map((id) => ({ id, to: receiver })), ...healthy.map((id) => ({ id, to: other }))]
    const sentAway: string[] = []
    const slots = Array.from({ length: CONCURRENCY }, async () => {
      for (let job = jobs.shift(); job; job = jobs.shift())
        if ((await deliver(job.id, job.to)) && job.to === receiver) sentAway.push(job.id)
    })
    await until('the healthy host to be told of everything', () => other.requests.length >= 50)
    expect(hanging).toHaveLength(CONCURRENCY / 2)
    expect(sentAway).toHaveLength(100 - CONCURRENCY / 2)
    for (const id of sentAway.slice(0, 5)) expect(await row(id)).toMatchObject({ callback: 'waiting', attempts: 0 })
    for (const response of hanging) response.end()
    await Promise.all(slots)
  })

  it('to two hosts of one client that hang hold three quarters of a worker, and other clients are told meanwhile', async () => {
    const hanging: ServerResponse[] = []
    answer = (response) => void hanging.push(response)
    const second = await startReceiver((_request, response) => void hanging.push(response))
    const stuck = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const to = n % 2 ? second : receiver
        return { id: await denied({ to }), to, client: 'cli_acme' }
      }),
    )
    const told = other.requests.length
    const healthy = await Promise.all(Array.from({ length: 50 }, () => denied({ to: other, ser: 'ser_2' })))
    const jobs = [...stuck, ...healthy.map((id) => ({ id, to: other, client: 'cli_globex' }))]
    const slots = Array.from({ length: CONCURRENCY }, async () => {
      for (let job = jobs.shift(); job; job = jobs.shift()) await deliver(job.id, job.to, deliverCallback, job.client)
    })
    await until('the other client to be told of everything', () => other.requests.length - told >= 50)
    expect(hanging).toHaveLength((CONCURRENCY * 3) / 4)
    for (const response of hanging) response.end()
    await Promise.all(slots)
    await second.close()
  })

  describe('that were given up', () => {
    const letters = () => new FindDeadLetters(ground.database, new FindRequests(ground.database, clock))
    const redeliver = () => new RedeliverDeadLetters(ground.database, clock, log)

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
      expect(await ids('host', hostOf(receiver))).toEqual([foreign, ...gone])
      expect(await ids('host', 'elsewhere.test')).toEqual([])
      const spelt = await denied({ url: 'https://Bücher.TEST:443/cb' })
      await sql(
        `update delegated_access_requests set callback = 'abandoned', abandoned_because = 'gone' where id = ?`,
        [spelt],
      )
      const page = await letters().list({ scope: 'host', of: 'xn--bcher-kva.test', limit: 2 })
      expect(page.rows.map(({ id }) => id)).toEqual([spelt])
    })

    it('are listed also where they leave while the page is put together', async () => {
      failing(410)
      const [older, newer] = [await denied(), await denied()].sort()
      for (const id of [older, newer]) await deliver(id!)
      const leaving = {
        run: async (...asked: Parameters<Database['run']>) => {
          const found = await ground.database.run(...asked)
          await sql('delete from callback_attempts where request_id in (?, ?)', [older, newer])
          await sql('delete from delegated_access_requests where id in (?, ?)', [older, newer])
          return found
        },
        read: (...asked: Parameters<Database['read']>) => ground.database.read(...asked),
      } as Database
      const letters = new FindDeadLetters(leaving, new FindRequests(ground.database, clock))
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
      expect(await new MeasureBacklog(ground.database, clock).measure()).toMatchObject({
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
      expect(await new MeasureBacklog(ground.database, clock).measure()).toMatchObject({
        untoldEvents: 3,
        oldestUntoldEventSeconds: 120,
        overdueSeconds: 119,
      })
    })
  })
})
