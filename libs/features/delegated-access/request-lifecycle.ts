import { DELIVERY_MOVES, type DeliveryState } from '#domain/deliveries/delivery-lifecycle.js'
import { minutes } from '#platform/clock/clock.js'

/**
 * A request has two states, each written by one step, so that no two steps race for a field.
 *
 * decision. `pending` until the provider has answered. Being throttled is not an answer: the row stays pending and the
 * job comes back. `granted` and `denied` are final; a second answer changes nothing and is not an error. `cancelled`
 * is final too: the client withdrew, or the service account was revoked. What was granted and has ended before the client
 * was told, because its administrator allows less or its mailbox was taken back, is `denied`: every request has an outcome,
 * and the client hears of it.
 *
 * callback. As every message to a client moves ({@link DELIVERY_MOVES}), once there is a decision to tell. A code that was
 * exchanged is proof that it was heard, whatever the receiver answered.
 */
export const DECISION_MOVES = {
  pending: ['granted', 'denied', 'cancelled'],
  granted: ['cancelled', 'denied'],
  denied: [],
  cancelled: [],
} as const

export const CALLBACK_MOVES = DELIVERY_MOVES

export type Decision = keyof typeof DECISION_MOVES
export type CallbackState = DeliveryState

/** A row that has not moved this long after its bell is rung for again. */
export const SWEEP_AFTER = minutes(1)
