import { Inject, Injectable } from '@nestjs/common'
import { SignCallback } from '#domain/clients/sign-callback.js'
import { Codes } from '#domain/grants/codes.js'
import { after, Clock, seconds } from '#platform/clock/clock.js'
import type { CallbackSettings } from '#platform/config/settings.js'
import { CALLBACK_SETTINGS } from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { allowUrl } from '#platform/egress/allowed-url.js'
import type { EgressAnswer } from '#platform/egress/answer-reader.js'
import { EgressClient } from '#platform/egress/egress-client.js'
import { EgressPolicy } from '#platform/egress/egress-policy.js'
import { HostSlots } from '#platform/egress/host-slots.js'
import { EgressError } from '#platform/errors/egress-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { retryAfterSeconds } from '#platform/http/retry-after.js'
import { Log } from '#platform/observability/log.js'
import { WORKER_CONCURRENCY } from '#platform/queues/worker-concurrency.js'
import { RandomSource } from '#platform/secrets/random.js'
import { callbackBody } from './callback-body.js'
import { HOLD_BACK, NOTE_HOST_ANSWER, NOTE_HOST_FAILURE, TAKE_PROBE } from './callback-host-statements.js'
import type { Delivery } from './delegated-access.jobs.js'
import { CLAIM_DELIVERY, type ClaimedDelivery, END_POINTLESS, RECORD_DELIVERY } from './delivery-statements.js'
import { judgeAnswer, type Verdict } from './judge-answer.js'
import { type AbandonedBecause, DELIVERY_SCHEDULE, waitBeforeNextAttempt } from './request-lifecycle.js'

interface Attempt {
  request: ClaimedDelivery
  begunAt: Date
  body: string
  host: string
  isProbe: boolean
}

/** `wait` is in milliseconds until the next attempt. */
type Outcome =
  | { callback: 'delivered'; wait: null; because: null }
  | { callback: 'abandoned'; wait: null; because: AbandonedBecause }
  | { callback: 'waiting'; wait: number; because: null }

/** How much longer than the call itself an attempt is leased: for the statements before and after it. */
const LEASE_MARGIN = seconds(5)
/** Those who wait for one host come back spread over so long. */
const SPREAD = seconds(30)

/** Step 3: tells the client, under a fresh code each time, until it has heard or the schedule is used up. */
@Injectable()
export class DeliverCallback {
  readonly #slots: HostSlots

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly codes: Codes,
    private readonly signatures: SignCallback,
    private readonly egress: EgressClient,
    private readonly policy: EgressPolicy,
    private readonly log: Log,
    @Inject(CALLBACK_SETTINGS) private readonly settings: CallbackSettings,
    @Inject(WORKER_CONCURRENCY) concurrency: number,
  ) {
    this.#slots = new HostSlots(Math.ceil(concurrency / 2))
  }

  /** When to try again; null when there is nothing left to tell. */
  async deliver(delivery: Delivery): Promise<Date | null> {
    const slot = await this.#slots.take(delivery.host)
    if ('comeBackInMs' in slot) return after(this.clock.now(), slot.comeBackInMs)
    try {
      return await this.#attempt(delivery)
    } finally {
      slot.release()
    }
  }

  async #attempt(delivery: Delivery, isProbe = false): Promise<Date | null> {
    const attempt = await this.#begin(delivery, isProbe)
    if (!attempt) return isProbe ? null : this.#leave(delivery)
    failPoint('deliver-callback.claimed')
    const answer = await this.#post(attempt)
    failPoint('deliver-callback.answered')
    const next = await this.#record(attempt, answer)
    failPoint('deliver-callback.recorded')
    return next
  }

  /**
   * Null when there is nothing to tell, or not now. The code is committed here, before the POST: a receiver may exchange
   * it inside its handler.
   */
  async #begin({ requestId, host }: Delivery, isProbe: boolean): Promise<Attempt | null> {
    const now = this.clock.now()
    const leaseUntil = this.#leaseFrom(now)
    const { code, codeHash, expiresAt } = this.codes.makeForCallback()
    const claim = [requestId, now, leaseUntil, codeHash, expiresAt, host, isProbe] as const
    const request = await this.database.runTogether(CLAIM_DELIVERY, claim)
    return request
      ? { request, host, isProbe, begunAt: now, body: callbackBody(request, request.grant_id ? code : null) }
      : null
  }

  /** Nobody is to be told any more, or somebody knows already: the bell must not ring for ever. Or the host is spared. */
  async #leave(delivery: Delivery): Promise<Date | null> {
    const { requestId, host } = delivery
    const now = this.clock.now()
    const [ended] = await this.database.run(END_POINTLESS, [requestId, now])
    if (ended) return null
    const [held] = await this.database.run(HOLD_BACK, [requestId, now, host, this.random.integer(SPREAD)])
    if (held) {
      this.log.info('callback.held_back', { request: requestId, host, until: held.ring_at?.toISOString() ?? null })
      return held.ring_at
    }
    const [probe] = await this.database.run(TAKE_PROBE, [requestId, now, host, this.#leaseFrom(now)])
    return probe ? this.#attempt(delivery, true) : null
  }

  #leaseFrom(now: Date): Date {
    return after(now, this.settings.totalTimeoutMs + LEASE_MARGIN)
  }

  async #post({ request, body }: Attempt): Promise<EgressAnswer | EgressError> {
    try {
      const keys = await this.signatures.keysOf(this.database, request.client_id)
      const signatures = this.signatures.headersFor(keys, { id: request.id, body })
      const answering = this.egress.post(allowUrl(request.callback_url, this.policy), {
        headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'Mandate', ...signatures },
        body,
        totalTimeoutMs: this.settings.totalTimeoutMs,
      })
      failPoint('deliver-callback.posting')
      return await answering
    } catch (error) {
      if (error instanceof EgressError) return error
      // Ours to mend, but an attempt all the same: thrown on, it would come back without schedule and without end.
      this.log.failure('callback.not_sent', error, { request: request.id, client: request.client_id })
      return new EgressError('egress.not_sent', 'Mandate could not send the callback.')
    }
  }

  async #record(attempt: Attempt, answer: EgressAnswer | EgressError): Promise<Date | null> {
    const { request, begunAt } = attempt
    const now = this.clock.now()
    const { id, attempts, client_id: client } = request
    const verdict = judgeAnswer(answer)
    const { callback, wait, because } = await this.#decide(request, verdict, answer)
    const next = wait === null ? null : after(now, wait)
    const facts = {
      ms: now.getTime() - begunAt.getTime(),
      status: answer instanceof EgressError ? null : answer.status,
      code: answer instanceof EgressError ? answer.code : null,
    }
    const ended = next ? null : now
    await this.database.runTogether(RECORD_DELIVERY, [
      id,
      ...[attempts, facts.ms, facts.status, facts.code],
      ...[callback, next, ended, now, because],
    ])
    await this.#noteHost(attempt, verdict, facts.code ?? `status ${facts.status}`)
    const line = {
      request: id,
      client,
      attempt: `${attempts}/${DELIVERY_SCHEDULE.length}`,
      callback,
      because,
      ...facts,
      retryInMs: wait && Math.round(wait),
    }
    if (callback === 'abandoned') this.log.warn('callback.abandoned', line)
    else this.log.info('callback.attempted', line)
    return next
  }

  /** Most hosts answer, and are not heard of here. */
  async #noteHost({ request, host, isProbe }: Attempt, verdict: Verdict, failure: string): Promise<void> {
    const { client_id: client, host_has_failed: hasFailed } = request
    if (verdict.host === 'fails')
      await this.database.run(NOTE_HOST_FAILURE, [client, host, this.clock.now(), failure, isProbe])
    if (verdict.host === 'answers' && hasFailed) await this.database.run(NOTE_HOST_ANSWER, [client, host])
  }

  async #decide(
    { id, attempts }: ClaimedDelivery,
    verdict: Verdict,
    answer: EgressAnswer | EgressError,
  ): Promise<Outcome> {
    const delivered = { callback: 'delivered', wait: null, because: null } as const
    if (verdict.receiver === 'heard') return delivered
    // A redeemed code is proof of delivery, whatever became of the answer to the POST.
    if (await this.database.read((em) => this.codes.wasRedeemed(em, id))) return delivered
    const asked = answer instanceof EgressError ? undefined : answer.headers['retry-after']
    const chance = this.random.integer(1_000_000) / 1_000_000
    const wait = waitBeforeNextAttempt(attempts, retryAfterSeconds(asked, this.clock.now()) ?? null, chance)
    if (verdict.receiver === 'unheard' && wait !== null) return { callback: 'waiting', wait, because: null }
    return { callback: 'abandoned', wait: null, because: verdict.because! }
  }
}
