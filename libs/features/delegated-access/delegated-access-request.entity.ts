import { defineEntity, p } from '@mikro-orm/core'
import type { AbandonedBecause } from '#domain/deliveries/delivery-lifecycle.js'
import type { CallbackState, Decision } from './request-lifecycle.js'

/** A client's request for one mailbox: the ledger of the main path. The queue only rings for it. */
const DelegatedAccessRequestSchema = defineEntity({
  name: 'DelegatedAccessRequest',
  tableName: 'delegated_access_requests',
  properties: {
    id: p.text().primary(),
    clientId: p.text(),
    serviceAccountId: p.text(),
    idempotencyKey: p.text().nullable(),
    /** Hash of what was asked: the same key with another question is refused. */
    fingerprint: p.text(),
    email: p.text(),
    callbackUrl: p.text(),
    /** Of that URL, as a URL parser reads it: without the scheme's own port, and in punycode. */
    callbackHost: p.text(),
    scope: p.array(),
    state: p.text().nullable(),

    decision: p.text().$type<Decision>(),
    error: p.text().nullable(),
    errorKey: p.text().nullable(),
    errorDescription: p.text().nullable(),
    accountId: p.text().nullable(),
    grantId: p.text().nullable(),

    callback: p.text().$type<CallbackState>(),
    abandonedBecause: p.text().$type<AbandonedBecause>().nullable(),
    attempts: p.integer().default(0),
    /** A delivery attempt is in hand until then; nobody else may begin one. */
    leaseUntil: p.datetime().nullable(),
    /** No attempt before then, whoever rings. Null: not tried yet, or asked for once more by hand. */
    nextAttemptAt: p.datetime().nullable(),

    /** When the sweeper rings for this row, unless it has moved by then. Null: nothing is left to do. */
    ringAt: p.datetime().nullable(),
    /** It waits for its service account to come back since then. */
    heldSince: p.datetime().nullable(),
    createdAt: p.datetime(),
    decidedAt: p.datetime().nullable(),
    /** The last time that somebody wanted the client told once more. */
    redeliveredAt: p.datetime().nullable(),
    endedAt: p.datetime().nullable(),
  },
})
export class DelegatedAccessRequest extends DelegatedAccessRequestSchema.class {}
DelegatedAccessRequestSchema.setClass(DelegatedAccessRequest)

/** One POST to the callback URL: when, how long, what came back. Never a body, a header or a code. */
const CallbackAttemptSchema = defineEntity({
  name: 'CallbackAttempt',
  tableName: 'callback_attempts',
  properties: {
    requestId: p.text().primary(),
    number: p.integer().primary(),
    startedAt: p.datetime(),
    milliseconds: p.integer().nullable(),
    status: p.integer().nullable(),
    /** Our error code where there was no usable answer. */
    failure: p.text().nullable(),
  },
})
export class CallbackAttempt extends CallbackAttemptSchema.class {}
CallbackAttemptSchema.setClass(CallbackAttempt)
