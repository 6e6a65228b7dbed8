import { Injectable } from '@nestjs/common'
import { SignCallback } from '#domain/clients/sign-callback.js'
import { DeliverMessage, DeliveryParts } from '#domain/deliveries/deliver-message.js'
import type { AttemptClaim, AttemptResult, ClaimedMessage } from '#domain/deliveries/message-ledger.js'
import { Database } from '#platform/database/database.js'
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
    signatures: SignCallback,
    parts: DeliveryParts,
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
      parts,
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
