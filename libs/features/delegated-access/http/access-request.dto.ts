import { z } from 'zod'
import type { CallbackHost } from '#domain/deliveries/callback-host.entity.js'
import { requiredText, text } from '#platform/http/read-input.js'
import { limitDto } from '#platform/paging/paging.dto.js'
import type { AcceptedRequest } from '../accept-requests.js'
import type { AskedAccess } from '../check-asked-access.js'
import type { CallbackAttempt, DelegatedAccessRequest } from '../delegated-access-request.entity.js'

import type { Circumstances } from '../find-requests.js'

import {
  acceptedAnswer,
  attemptAnswer,
  callbackAnswer,
  decisionAnswer,
  hostAnswer,
  requestAnswer,
} from './access-request-answers.js'

/** RFC 6749 section 3.3 joins scopes by spaces; two SDKs pass on whatever list they are given. */
const scope = z
  .union([z.array(requiredText(100)).max(50), text(2000)], { error: 'must be a string of scopes separated by spaces' })
  .nullish()
  .transform((value) => (typeof value === 'string' ? value.split(' ') : (value ?? [])).filter((name) => name !== ''))

// SDKs add properties of their own; those are ignored (contract section 0).
const item = z
  .object({
    email: requiredText(320),
    callback_url: requiredText(2048),
    scope,
    state: text(4096).nullish(),
  })
  .transform(
    ({ email, callback_url, scope, state }): AskedAccess => ({
      email,
      callbackUrl: callback_url,
      scope,
      state: state ?? null,
    }),
  )

export const BATCH_FIELD = 'service_account_authorizations'
const MOST_ITEMS = 50

export const batchDto = z.object({
  [BATCH_FIELD]: z
    .array(item, { error: 'must be a list' })
    .min(1, 'must have at least one item')
    .max(MOST_ITEMS, `must have at most ${MOST_ITEMS} items`),
})
export const singleDto = item
/** What may be sent; which of the two was meant is found out before it is read, so that complaints are about that one. */
export const askedDto = z.union([batchDto, singleDto])

export const idempotencyDto = z.object({ 'Idempotency-Key': requiredText(255).optional() })

export const listDto = z.strictObject({
  status: decisionAnswer.optional(),
  callback: callbackAnswer.optional(),
  email: text(320).optional(),
  state: text(4096).optional(),
  limit: limitDto(),
  cursor: text(200).optional(),
})

export const toAcceptedBody = (requests: AcceptedRequest[]): z.infer<typeof acceptedAnswer> => ({
  [BATCH_FIELD]: requests.map(({ id, email, state, decision }) => ({
    id,
    email,
    state: state ?? null,
    status: decision,
  })),
})

/** @param circumstances left out where they are not asked for */
export const toBody = (
  request: DelegatedAccessRequest,
  circumstances?: Circumstances,
): z.infer<typeof requestAnswer> => ({
  id: request.id,
  email: request.email,
  state: request.state ?? null,
  status: request.decision,
  callback: request.callback,
  callback_url: request.callbackUrl,
  scope: request.scope.join(' '),
  error: request.error ?? null,
  error_key: request.errorKey ?? null,
  error_description: request.errorDescription ?? null,
  account_id: request.accountId ?? null,
  abandoned_because: request.abandonedBecause ?? null,
  attempts: request.attempts,
  last_attempt: circumstances?.lastAttempt ? toAttemptBody(circumstances.lastAttempt) : null,
  next_attempt_at: nextAttemptAt(request, circumstances)?.toISOString() ?? null,
  held_since: request.decision === 'pending' ? (request.heldSince?.toISOString() ?? null) : null,
  held_back_by: circumstances?.heldBackBy ? toHostBody(circumstances.heldBackBy) : null,
  created_at: request.createdAt.toISOString(),
  decided_at: request.decidedAt?.toISOString() ?? null,
  ended_at: request.endedAt?.toISOString() ?? null,
})

/** Before its first attempt a request is about to be told; after one, or held back, it waits for its time. */
function nextAttemptAt(request: DelegatedAccessRequest, circumstances?: Circumstances) {
  if (request.callback !== 'waiting') return null
  if (circumstances?.heldBackBy) return request.ringAt
  return request.attempts > 0 ? (request.nextAttemptAt ?? request.ringAt) : null
}

/** A host that fails; `open_until` is when it is tried again, by one callback alone. */
export const toHostBody = ({
  host,
  failures,
  failingSince,
  lastFailure,
  openUntil,
}: CallbackHost): z.infer<typeof hostAnswer> => ({
  host,
  failures,
  failing_since: failingSince.toISOString(),
  last_failure: lastFailure,
  open_until: openUntil?.toISOString() ?? null,
})

export const toAttemptBody = ({
  number,
  startedAt,
  milliseconds,
  status,
  failure,
}: CallbackAttempt): z.infer<typeof attemptAnswer> => ({
  number,
  started_at: startedAt.toISOString(),
  milliseconds: milliseconds ?? null,
  status: status ?? null,
  failure: failure ?? null,
})
