import { Inject, Injectable } from '@nestjs/common'
import { SignCallback } from '#domain/clients/sign-callback.js'
import {
  type AttemptClaim,
  type AttemptResult,
  type ClaimedMessage,
  DeliverMessage,
} from '#domain/deliveries/deliver-message.js'
import { Clock } from '#platform/clock/clock.js'
import type { CallbackSettings } from '#platform/config/settings.js'
import { CALLBACK_SETTINGS } from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { EgressClient } from '#platform/egress/egress-client.js'
import { EgressPolicy } from '#platform/egress/egress-policy.js'
import { Log } from '#platform/observability/log.js'
import { WORKER_CONCURRENCY } from '#platform/queues/worker-concurrency.js'
import { RandomSource } from '#platform/secrets/random.js'
import { eventBody } from './event-body.js'
import {
  CLAIM_EVENT,
  END_POINTLESS,
  FIND_NEXT_ATTEMPT,
  HOLD_BACK,
  RECORD_EVENT,
  TAKE_PROBE,
} from './event-statements.js'
import type { DueEvent } from './events.jobs.js'

/** Tells a client what has changed, as callbacks are told: until it has heard or the schedule is used up. */
@Injectable()
export class DeliverEvent {
  readonly #events: DeliverMessage

  constructor(
    private readonly database: Database,
    clock: Clock,
    random: RandomSource,
    signatures: SignCallback,
    egress: EgressClient,
    policy: EgressPolicy,
    log: Log,
    @Inject(CALLBACK_SETTINGS) settings: CallbackSettings,
    @Inject(WORKER_CONCURRENCY) concurrency: number,
  ) {
    this.#events = new DeliverMessage(
      {
        kind: 'event',
        claim: (id, claim) => this.#claim(id, claim),
        endPointless: async (id, now) => (await database.run(END_POINTLESS, [id, now])).length > 0,
        findNextAttempt: FIND_NEXT_ATTEMPT,
        holdBack: HOLD_BACK,
        takeProbe: TAKE_PROBE,
        isProven: async () => false,
        sign: async (clientId, message) => signatures.headersFor(await signatures.keysOf(database, clientId), message),
        record: (id, result) => this.#record(id, result),
      },
      { database, clock, random, egress, policy, log, settings, concurrency },
    )
  }

  /** When to try again; null when there is nothing left to tell. */
  deliver({ eventId: id, clientId, host }: DueEvent): Promise<Date | null> {
    return this.#events.deliver({ id, clientId, host })
  }

  async #claim(id: string, { now, leaseUntil, host, isProbe }: AttemptClaim): Promise<ClaimedMessage | null> {
    const [event] = await this.database.run(CLAIM_EVENT, [id, now, leaseUntil, host, isProbe])
    if (!event) return null
    const { client_id, attempts, host_has_failed, event_url: url } = event
    return { id, client_id, attempts, host_has_failed, url, body: eventBody(event) }
  }

  async #record(id: string, result: AttemptResult): Promise<void> {
    const { number, status, failure, state, ringAt, endedAt, now, because } = result
    await this.database.run(RECORD_EVENT, [id, number, status, failure, state, ringAt, endedAt, now, because])
  }
}
