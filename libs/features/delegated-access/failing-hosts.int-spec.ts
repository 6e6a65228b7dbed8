import type { ServerResponse } from 'node:http'
import { HELD_BACK_AT_MOST, LONGEST_OPEN, OPEN_FOR, OPENS_AFTER } from '#domain/deliveries/host-breaker.js'
import { after, hours, minutes, seconds } from '#platform/clock/clock.js'
import { startReceiver } from '#platform/egress/testing/receiver.js'
import { until } from '#platform/testing/until.js'
import { FindRequests } from './find-requests.js'
import { RedeliverDeadLetters } from './redeliver-dead-letters.js'
import { CONCURRENCY, callbacksForTests } from './testing/callbacks-for-tests.js'

describe('callbacks', () => {
  const stage = callbacksForTests()
  const { answerWith, clock, denied, deliver, failing, failingHost, hostOf, log, row, sql, waitOf, worker } = stage

  describe('to a host that fails', () => {
    const failTimes = async (times: number) => {
      for (let n = 0; n < times; n++) await deliver(await denied())
    }

    it(`are held back after ${OPENS_AFTER} failures in a row, without losing an attempt, and others are not`, async () => {
      failing()
      await failTimes(OPENS_AFTER)
      const seen = stage.receiver.requests.length
      const held = await denied()
      expect(waitOf(await deliver(held))).toBeGreaterThanOrEqual(OPEN_FOR)
      expect(stage.receiver.requests).toHaveLength(seen)
      expect(await row(held)).toMatchObject({ callback: 'waiting', attempts: 0 })
      expect((await row(held)).ringAt?.getTime()).toBeGreaterThanOrEqual(clock.now().getTime() + OPEN_FOR)

      const elsewhere = await denied({ to: stage.other })
      await deliver(elsewhere, stage.other)
      const another = await denied({ ser: 'ser_2' })
      answerWith((response) => response.end())
      await deliver(another)
      expect((await row(elsewhere)).callback).toBe('delivered')
      expect((await row(another)).callback).toBe('delivered')

      const shown = await new FindRequests(stage.database, clock).circumstancesOf([await row(held)])
      expect(shown.get(held)?.heldBackBy).toMatchObject({
        host: hostOf(stage.receiver),
        failures: OPENS_AFTER,
        lastFailure: 'status 503',
      })
    })

    it('are not held back while some of them succeed', async () => {
      failing()
      await failTimes(OPENS_AFTER - 1)
      answerWith((response) => response.end())
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
      const seen = stage.receiver.requests.length
      const held: ServerResponse[] = []
      answerWith((response) => void held.push(response))
      const first = deliver(waiting[0]!)
      await until('the probe to arrive', () => held.length === 1)
      // Others come while the probe is under way, in this process and in another.
      expect(waitOf(await deliver(waiting[1]!))).toBeGreaterThan(0)
      expect(waitOf(await deliver(waiting[2]!, stage.receiver, worker()))).toBeGreaterThan(0)
      expect(stage.receiver.requests.length - seen).toBe(1)
      held[0]!.end()
      await first
      expect(await failingHost()).toBeUndefined()
      answerWith((response) => response.end())
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
      answerWith((response) => response.end())
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

      const redeliver = new RedeliverDeadLetters(stage.database, clock, log)
      expect(await redeliver.redeliverSome('host', hostOf(stage.receiver))).toMatchObject({
        redelivered: 1,
        done: true,
      })
      expect(waitOf(await deliver(early))).toBeGreaterThan(0)
      expect(await row(early)).toMatchObject({ callback: 'waiting', attempts: 0 })
    })
  })

  it('to a host that hangs hold half of a worker at most, and everybody else is told meanwhile', async () => {
    const hanging: ServerResponse[] = []
    answerWith((response) => void hanging.push(response))
    const stuck = await Promise.all(Array.from({ length: 100 }, () => denied()))
    const healthy = await Promise.all(Array.from({ length: 50 }, () => denied({ to: stage.other })))
    // As a worker does it: so many jobs at once, in the order in which they were rung for.
    const jobs = [...stuck.map((id) => ({ id, to: stage.receiver })), ...healthy.map((id) => ({ id, to: stage.other }))]
    const sentAway: string[] = []
    const slots = Array.from({ length: CONCURRENCY }, async () => {
      for (let job = jobs.shift(); job; job = jobs.shift())
        if ((await deliver(job.id, job.to)) && job.to === stage.receiver) sentAway.push(job.id)
    })
    await until('the healthy host to be told of everything', () => stage.other.requests.length >= 50)
    expect(hanging).toHaveLength(CONCURRENCY / 2)
    expect(sentAway).toHaveLength(100 - CONCURRENCY / 2)
    for (const id of sentAway.slice(0, 5)) expect(await row(id)).toMatchObject({ callback: 'waiting', attempts: 0 })
    for (const response of hanging) response.end()
    await Promise.all(slots)
  })

  it('to two hosts of one client that hang hold three quarters of a worker, and other clients are told meanwhile', async () => {
    const hanging: ServerResponse[] = []
    answerWith((response) => void hanging.push(response))
    const second = await startReceiver((_request, response) => void hanging.push(response))
    const stuck = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const to = n % 2 ? second : stage.receiver
        return { id: await denied({ to }), to, client: 'cli_acme' }
      }),
    )
    const told = stage.other.requests.length
    const healthy = await Promise.all(Array.from({ length: 50 }, () => denied({ to: stage.other, ser: 'ser_2' })))
    const jobs = [...stuck, ...healthy.map((id) => ({ id, to: stage.other, client: 'cli_globex' }))]
    const slots = Array.from({ length: CONCURRENCY }, async () => {
      for (let job = jobs.shift(); job; job = jobs.shift())
        await deliver(job.id, job.to, stage.deliverCallback, job.client)
    })
    await until('the other client to be told of everything', () => stage.other.requests.length - told >= 50)
    expect(hanging).toHaveLength((CONCURRENCY * 3) / 4)
    for (const response of hanging) response.end()
    await Promise.all(slots)
    await second.close()
  })

  it('that hang, at however many hosts, leave a quarter of the jobs that decide free', async () => {
    const held: ServerResponse[] = []
    answerWith((response) => void held.push(response))
    const third = await startReceiver((_request, response) => void held.push(response))
    const hosts = [stage.receiver, third]
    const asked = await Promise.all(
      Array.from({ length: CONCURRENCY }, async (_, n) => ({
        id: await denied({ to: hosts[n % 2] }),
        to: hosts[n % 2]!,
      })),
    )
    const told = asked.map(({ id, to }) =>
      stage.deliverCallback.deliverAtOnce({ requestId: id, clientId: 'cli_acme', host: hostOf(to) }),
    )
    await until('the hosts to hold all they are given', () => held.length === CONCURRENCY * 0.75)
    expect(await Promise.all(told.slice(CONCURRENCY * 0.75))).toEqual([false, false])
    const quiet = { requestId: 'dar_1', clientId: 'cli_acme', host: 'quiet.test' }
    expect(await stage.deliverCallback.beginFirst(quiet)).toBeNull()
    for (const response of held) response.end()
    expect(await Promise.all(told)).toEqual([...Array(CONCURRENCY * 0.75).fill(true), false, false])
    await third.close()
  })
})
