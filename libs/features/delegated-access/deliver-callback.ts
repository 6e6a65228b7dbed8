import { Injectable } from '@nestjs/common'
import { SignCallback } from '#domain/clients/sign-callback.js'
import { DeliverMessage, DeliveryParts } from '#domain/deliveries/deliver-message.js'
import type { AttemptClaim, AttemptResult, ClaimedMessage, FirstAttempt } from '#domain/deliveries/message-ledger.js'
import { Codes } from '#domain/grants/codes.js'
import { inWords, OPERATOR_ERRORS } from '#domain/providers/error-meaning.js'
import { Database } from '#platform/database/database.js'
import type { Secret } from '#platform/secrets/secret.js'
import { callbackBody } from './callback-body.js'
import { DENY_ENDED_GRANT } from './decision-statements.js'
import type { Delivery } from './delegated-access.jobs.js'
import {
  CLAIM_DELIVERY,
  type ClaimedDelivery,
  END_POINTLESS,
  FIND_NEXT_ATTEMPT,
  HOLD_BACK,
  RECORD_DELIVERY,
  TAKE_PROBE,
} from './delivery-statements.js'

const NARROWED = inWords(OPERATOR_ERRORS['scope.narrowed'])
const ENDED = inWords(OPERATOR_ERRORS['grant.ended'])

/** A first attempt, with the code that is stored when it is claimed. */
export interface FirstCallback extends Omit<FirstAttempt, 'make'> {
  codeHash: string
  codeExpiresAt: Date
  make(claimed: ClaimedDelivery): Promise<boolean>
}

/** Step 3: tells the client, under a fresh code each time, until it has heard or the schedule is used up. */
@Injectable()
export class DeliverCallback {
  readonly #callbacks: DeliverMessage

  constructor(
    private readonly database: Database,
    private readonly codes: Codes,
    signatures: SignCallback,
    parts: DeliveryParts,
  ) {
    this.#callbacks = new DeliverMessage(
      {
        kind: 'callback',
        claim: (id, claim) => this.#claim(id, claim),
        endPointless: async (id, now) => (await database.run(END_POINTLESS, [id, now])).length > 0,
        findNextAttempt: FIND_NEXT_ATTEMPT,
        holdBack: HOLD_BACK,
        takeProbe: TAKE_PROBE,
        // A redeemed code is proof of delivery, whatever became of the answer to the POST.
        isProven: (id) => database.read((em) => codes.wasRedeemed(em, id)),
        sign: async (clientId, message) => signatures.headersFor(await signatures.keysOf(database, clientId), message),
        record: (id, result) => this.#record(id, result),
      },
      parts,
    )
  }

  /** When to try again; null when there is nothing left to tell. */
  deliver({ requestId: id, clientId, host }: Delivery): Promise<Date | null> {
    return this.#callbacks.deliver({ id, clientId, host })
  }

  /** The same within the job that has just decided. @returns false when it is left to a job of its own */
  deliverAtOnce({ requestId: id, clientId, host }: Delivery): Promise<boolean> {
    return this.#callbacks.deliverAtOnce({ id, clientId, host })
  }

  /**
   * The same for a request that is still to be decided, by a statement that claims the attempt too. Null where it is left
   * to a job of its own.
   */
  async beginFirst({ requestId: id, clientId, host }: Delivery): Promise<FirstCallback | null> {
    const attempt = await this.#callbacks.beginFirst({ id, clientId, host })
    if (!attempt) return null
    const { code, codeHash, expiresAt: codeExpiresAt } = this.codes.makeForCallback()
    const make = (claimed: ClaimedDelivery) => attempt.make(messageOf(claimed, code))
    return { ...attempt, codeHash, codeExpiresAt, make }
  }

  /** The code is committed here, before the POST: a receiver may exchange it inside its handler. */
  async #claim(id: string, { now, leaseUntil, host, isProbe }: AttemptClaim): Promise<ClaimedMessage | null> {
    const { code, codeHash, expiresAt } = this.codes.makeForCallback()
    const claim = [id, now, leaseUntil, codeHash, expiresAt, host, isProbe] as const
    const request =
      (await this.database.runTogether(CLAIM_DELIVERY, claim)) ??
      ((await this.#denyEnded(id, now)) ? await this.database.runTogether(CLAIM_DELIVERY, claim) : null)
    if (!request) return null
    return messageOf(request, code)
  }

  /** Whether the client is to be told a refusal in place of a code. */
  async #denyEnded(id: string, now: Date): Promise<boolean> {
    const denied = await this.database.run(DENY_ENDED_GRANT, [id, now, NARROWED, ENDED])
    return denied.length > 0
  }

  async #record(id: string, result: AttemptResult): Promise<void> {
    const { number, milliseconds, status, failure, state, ringAt, endedAt, now, because } = result
    await this.database.runTogether(RECORD_DELIVERY, [
      ...([id, number, milliseconds, status, failure] as const),
      ...[state, ringAt, endedAt, now, because],
    ])
  }
}

function messageOf(claimed: ClaimedDelivery, code: Secret<string>): ClaimedMessage {
  const { id, client_id, attempts, host_has_failed, callback_url: url, grant_id: grant } = claimed
  return { id, client_id, attempts, host_has_failed, url, body: callbackBody(claimed, grant ? code : null) }
}
