import { Inject, Injectable } from '@nestjs/common'
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
import { note, traced, traceHeaders } from '#platform/observability/tracing.js'
import { WORKER_CONCURRENCY } from '#platform/queues/worker-concurrency.js'
import { RandomSource } from '#platform/secrets/random.js'
import { DELIVERIES, HELD_BACK } from './delivery.metrics.js'
import { type AbandonedBecause, DELIVERY_SCHEDULE, waitBeforeNextAttempt } from './delivery-lifecycle.js'
import { NOTE_HOST_ANSWER, NOTE_HOST_FAILURE } from './host-breaker.js'
import { judgeAnswer, type Verdict } from './judge-answer.js'
import type { ClaimedMessage, DueMessage, FirstAttempt, MessageLedger } from './message-ledger.js'

/** What every kind of message needs of the process. */
@Injectable()
export class DeliveryParts {
  constructor(
    readonly database: Database,
    readonly clock: Clock,
    readonly random: RandomSource,
    readonly egress: EgressClient,
    readonly policy: EgressPolicy,
    readonly log: Log,
    @Inject(CALLBACK_SETTINGS) readonly settings: CallbackSettings,
    /** Of this worker: so many calls at once, shared among hosts and clients. */
    @Inject(WORKER_CONCURRENCY) readonly concurrency: number,
  ) {}
}

interface Attempt {
  message: ClaimedMessage
  begunAt: Date
  host: string
  isProbe: boolean
}

/** `wait` is in milliseconds until the next attempt. */
type Outcome =
  | { state: 'delivered'; wait: null; because: null }
  | { state: 'abandoned'; wait: null; because: AbandonedBecause }
  | { state: 'waiting'; wait: number; because: null }

/** How much longer than the call itself an attempt is leased: for the statements before and after it. */
const LEASE_MARGIN = seconds(5)
/** The part of a worker's jobs of one kind that may tell at once what they have decided. */
const AT_ONCE = 3 / 4
/** Those who wait for one host come back spread over so long. */
const SPREAD = seconds(30)

/** Tells a client's receiver, until it has heard or the schedule is used up; whatever is told, and wherever its row is. */
export class DeliverMessage {
  readonly #slots: HostSlots
  #atOnce = 0

  constructor(
    private readonly ledger: MessageLedger,
    private readonly parts: DeliveryParts,
  ) {
    this.#slots = new HostSlots(parts.concurrency)
  }

  /** When to try again; null when there is nothing left to tell. */
  async deliver(due: DueMessage): Promise<Date | null> {
    const slot = await this.#slots.take(due.host, due.clientId)
    if ('comeBackInMs' in slot) return after(this.#now(), slot.comeBackInMs)
    return this.#attemptIn(slot, due)
  }

  /**
   * Tells what another job has just made tellable, where that holds nobody up: its host answers quickly, and a quarter of
   * this worker's jobs stay free of it. So receivers that hang, however many, never take the last of them.
   * @returns false when it is left to a job of its own, now or for its next attempt
   */
  async deliverAtOnce(due: DueMessage): Promise<boolean> {
    if (this.#atOnce >= this.parts.concurrency * AT_ONCE) return false
    this.#atOnce += 1
    try {
      const slot = await this.#slots.takeSoon(due.host, due.clientId)
      return slot !== null && (await this.#attemptIn(slot, due)) === null
    } finally {
      this.#atOnce -= 1
    }
  }

  /** The same for what is made tellable by the statement that claims it. Null where it is left to a job of its own. */
  async beginFirst({ host, clientId }: DueMessage): Promise<FirstAttempt | null> {
    if (this.#atOnce >= this.parts.concurrency * AT_ONCE) return null
    this.#atOnce += 1
    const slot = await this.#slots.takeSoon(host, clientId)
    const release = () => {
      slot?.release()
      this.#atOnce -= 1
    }
    if (!slot) {
      release()
      return null
    }
    const begunAt = this.#now()
    const make = async (message: ClaimedMessage) =>
      (await this.#make({ message, host, isProbe: false, begunAt })) === null
    return { leaseUntil: this.#leaseFrom(begunAt), make, release }
  }

  async #attemptIn(slot: { release: () => void }, due: DueMessage): Promise<Date | null> {
    try {
      return await this.#attempt(due)
    } finally {
      slot.release()
    }
  }

  async #attempt(due: DueMessage, isProbe = false): Promise<Date | null> {
    const attempt = await this.#begin(due, isProbe)
    if (!attempt) return isProbe ? null : this.#leave(due)
    return this.#make(attempt)
  }

  async #make(attempt: Attempt): Promise<Date | null> {
    failPoint('deliver-message.claimed')
    const answer = await this.#call(attempt)
    failPoint('deliver-message.answered')
    const next = await this.#record(attempt, answer)
    failPoint('deliver-message.recorded')
    return next
  }

  async #begin({ id, host }: DueMessage, isProbe: boolean): Promise<Attempt | null> {
    const now = this.#now()
    const message = await this.ledger.claim(id, { now, leaseUntil: this.#leaseFrom(now), host, isProbe })
    return message && { message, host, isProbe, begunAt: now }
  }

  /**
   * Nobody is to be told any more, or somebody knows already: the bell must not ring for ever. Or it rang too early, by the
   * clock of a machine that is fast. Or the host is spared.
   */
  async #leave(due: DueMessage): Promise<Date | null> {
    const { id, host } = due
    const { database, random, log } = this.parts
    const now = this.#now()
    if (await this.ledger.endPointless(id, now)) return null
    const [early] = await database.run(this.ledger.findNextAttempt, [id, now])
    if (early) return early.next_attempt_at
    const [held] = await database.run(this.ledger.holdBack, [id, now, host, random.integer(SPREAD)])
    if (held) {
      HELD_BACK.count({ message: this.ledger.kind })
      const until = held.ring_at?.toISOString() ?? null
      log.info(`${this.ledger.kind}.held_back`, { ...this.#named(id), host, until })
      return held.ring_at
    }
    const [probe] = await database.run(this.ledger.takeProbe, [id, now, host, this.#leaseFrom(now)])
    return probe ? this.#attempt(due, true) : null
  }

  #leaseFrom(now: Date): Date {
    return after(now, this.parts.settings.totalTimeoutMs + LEASE_MARGIN)
  }

  #call(attempt: Attempt): Promise<EgressAnswer | EgressError> {
    const { id, client_id: client, attempts } = attempt.message
    const fields = { client, request: id, attempt: `${attempts}/${DELIVERY_SCHEDULE.length}` }
    return traced('call-client', { kind: 'client', fields }, async () => {
      const answer = await this.#post(attempt)
      note(answer instanceof EgressError ? { code: answer.code } : { status: answer.status })
      return answer
    })
  }

  async #post({ message }: Attempt): Promise<EgressAnswer | EgressError> {
    const { id, client_id: client, body } = message
    const { egress, policy, settings, log } = this.parts
    try {
      const signatures = await this.ledger.sign(client, { id, body })
      const answering = egress.post(allowUrl(message.url, policy), {
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Mandate',
          ...signatures,
          ...traceHeaders(),
        },
        body,
        totalTimeoutMs: settings.totalTimeoutMs,
      })
      failPoint('deliver-message.posting')
      return await answering
    } catch (error) {
      if (error instanceof EgressError) return error
      // Ours to mend, but an attempt all the same: thrown on, it would come back without schedule and without end.
      log.failure(`${this.ledger.kind}.not_sent`, error, { ...this.#named(id), client })
      return new EgressError('egress.not_sent', 'Mandate could not send the message.')
    }
  }

  async #record(attempt: Attempt, answer: EgressAnswer | EgressError): Promise<Date | null> {
    const { message, begunAt } = attempt
    const { log } = this.parts
    const now = this.#now()
    const { id, attempts, client_id: client } = message
    const verdict = judgeAnswer(answer)
    const { state, wait, because } = await this.#decide(message, verdict, answer)
    const next = wait === null ? null : after(now, wait)
    const facts = {
      ms: now.getTime() - begunAt.getTime(),
      status: answer instanceof EgressError ? null : answer.status,
      code: answer instanceof EgressError ? answer.code : null,
    }
    await this.ledger.record(id, {
      ...{ number: attempts, milliseconds: facts.ms, status: facts.status, failure: facts.code },
      ...{ state, ringAt: next, endedAt: next ? null : now, now, because },
    })
    await this.#noteHost(attempt, verdict, facts.code ?? `status ${facts.status}`)
    const answered = classOf(facts.status)
    DELIVERIES.observe(
      { message: this.ledger.kind, host: howHostIs(attempt), answer: answered, state },
      facts.ms / 1000,
    )
    const line = {
      ...this.#named(id),
      client,
      attempt: `${attempts}/${DELIVERY_SCHEDULE.length}`,
      callback: state,
      because,
      ...facts,
      retryInMs: wait && Math.round(wait),
    }
    if (state === 'abandoned') log.warn(`${this.ledger.kind}.abandoned`, line)
    else log.info(`${this.ledger.kind}.attempted`, line)
    return next
  }

  /** Most hosts answer, and are not heard of here. */
  async #noteHost({ message, host, isProbe }: Attempt, verdict: Verdict, failure: string): Promise<void> {
    const { client_id: client, host_has_failed: hasFailed } = message
    const { database } = this.parts
    if (verdict.host === 'fails') await database.run(NOTE_HOST_FAILURE, [client, host, this.#now(), failure, isProbe])
    if (verdict.host === 'answers' && hasFailed) await database.run(NOTE_HOST_ANSWER, [client, host])
  }

  async #decide(
    { id, attempts }: ClaimedMessage,
    verdict: Verdict,
    answer: EgressAnswer | EgressError,
  ): Promise<Outcome> {
    const delivered = { state: 'delivered', wait: null, because: null } as const
    if (verdict.receiver === 'heard' || (await this.ledger.isProven(id))) return delivered
    const asked = answer instanceof EgressError ? undefined : answer.headers['retry-after']
    const chance = this.parts.random.integer(1_000_000) / 1_000_000
    const wait = waitBeforeNextAttempt(attempts, retryAfterSeconds(asked, this.#now()) ?? null, chance)
    if (verdict.receiver === 'unheard' && wait !== null) return { state: 'waiting', wait, because: null }
    return { state: 'abandoned', wait: null, because: verdict.because! }
  }

  #now(): Date {
    return this.parts.clock.now()
  }

  #named(id: string): { request?: string; event?: string } {
    return this.ledger.kind === 'callback' ? { request: id } : { event: id }
  }
}

const howHostIs = ({ message, isProbe }: Attempt) => {
  if (isProbe) return 'probe'
  return message.host_has_failed ? 'failing' : 'healthy'
}

const classOf = (status: number | null) =>
  status === null ? 'none' : (`${Math.floor(status / 100)}xx` as '2xx' | '3xx' | '4xx' | '5xx')
