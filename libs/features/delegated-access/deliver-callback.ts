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
import { EgressError } from '#platform/errors/egress-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { retryAfterSeconds } from '#platform/http/retry-after.js'
import { Log } from '#platform/observability/log.js'
import { RandomSource } from '#platform/secrets/random.js'
import { callbackBody } from './callback-body.js'
import { CLAIM_DELIVERY, type ClaimedDelivery, END_POINTLESS, RECORD_DELIVERY } from './delivery-statements.js'
import { DELIVERY_SCHEDULE, waitBeforeNextAttempt } from './request-lifecycle.js'

interface Attempt {
  request: ClaimedDelivery
  begunAt: Date
  body: string
}

/** `wait` is in milliseconds until the next attempt. */
type Outcome = { callback: 'delivered' | 'abandoned'; wait: null } | { callback: 'waiting'; wait: number }

/** How much longer than the call itself an attempt is leased: for the statements before and after it. */
const LEASE_MARGIN = seconds(5)

/** Step 3: tells the client, under a fresh code each time, until it has heard or the schedule is used up. */
@Injectable()
export class DeliverCallback {
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
  ) {}

  /** When to try again; null when there is nothing left to tell. */
  async deliver(requestId: string): Promise<Date | null> {
    const attempt = await this.#begin(requestId)
    if (!attempt) return null
    failPoint('deliver-callback.claimed')
    const answer = await this.#post(attempt)
    failPoint('deliver-callback.answered')
    const next = await this.#record(attempt, answer)
    failPoint('deliver-callback.recorded')
    return next
  }

  /**
   * Null when there is nothing to tell, or another worker is telling it at this moment. The code is committed here,
   * before the POST: a receiver may exchange it inside its handler.
   */
  async #begin(requestId: string): Promise<Attempt | null> {
    const now = this.clock.now()
    const leaseUntil = after(now, this.settings.totalTimeoutMs + LEASE_MARGIN)
    const { code, codeHash, expiresAt } = this.codes.makeForCallback()
    const claim = [requestId, now, leaseUntil, codeHash, expiresAt] as const
    const request = await this.database.runTogether(CLAIM_DELIVERY, claim)
    if (request) return { request, begunAt: now, body: callbackBody(request, request.grant_id ? code : null) }
    // Nobody is to be told any more, or somebody knows already: then the bell must not ring for ever.
    await this.database.run(END_POINTLESS, [requestId, now])
    return null
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

  async #record({ request, begunAt }: Attempt, answer: EgressAnswer | EgressError): Promise<Date | null> {
    const now = this.clock.now()
    const { id, attempts, client_id: client } = request
    const { callback, wait } = await this.#judge(request, answer)
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
      ...[callback, next, ended, now],
    ])
    const attempt = `${attempts}/${DELIVERY_SCHEDULE.length}`
    const line = { request: id, client, attempt, callback, ...facts, retryInMs: wait && Math.round(wait) }
    if (callback === 'abandoned') this.log.warn('callback.abandoned', line)
    else this.log.info('callback.attempted', line)
    return next
  }

  async #judge({ id, attempts }: ClaimedDelivery, answer: EgressAnswer | EgressError): Promise<Outcome> {
    if (isSuccess(answer)) return { callback: 'delivered', wait: null }
    // A redeemed code is proof of delivery, whatever became of the answer to the POST.
    if (await this.database.read((em) => this.codes.wasRedeemed(em, id))) return { callback: 'delivered', wait: null }
    const refusedForGood = answer instanceof EgressError ? answer.retry === 'never' : answer.status === 410
    const asked = answer instanceof EgressError ? undefined : answer.headers['retry-after']
    const chance = this.random.integer(1_000_000) / 1_000_000
    const wait = waitBeforeNextAttempt(attempts, retryAfterSeconds(asked, this.clock.now()) ?? null, chance)
    return refusedForGood || wait === null ? { callback: 'abandoned', wait: null } : { callback: 'waiting', wait }
  }
}

const isSuccess = (answer: EgressAnswer | EgressError) =>
  !(answer instanceof EgressError) && answer.status >= 200 && answer.status < 300
