import { z } from 'zod'
import { ABANDONED_BECAUSE } from '#domain/deliveries/delivery-lifecycle.js'
import { timeAnswer } from '#platform/http/openapi/answers.js'
import { nextCursorAnswer } from '#platform/paging/paging.dto.js'
import { CALLBACK_MOVES, type CallbackState, DECISION_MOVES, type Decision } from '../request-lifecycle.js'

// What `access-request.dto` writes, as `/openapi.json` promises it.

export const decisionAnswer = z.enum(Object.keys(DECISION_MOVES) as Decision[])
export const callbackAnswer = z.enum(Object.keys(CALLBACK_MOVES) as CallbackState[])

const named = {
  id: z.string().meta({ description: 'Begins with `dar_`.' }),
  email: z.string(),
  state: z.string().nullable(),
  status: decisionAnswer,
}

export const acceptedAnswer = z.strictObject({ service_account_authorizations: z.array(z.strictObject(named)) })

export const attemptAnswer = z.strictObject({
  number: z.int(),
  started_at: timeAnswer,
  milliseconds: z.int().nullable(),
  status: z.int().nullable().meta({ description: 'What the receiver answered, if it did.' }),
  failure: z.string().nullable(),
})

export const hostAnswer = z.strictObject({
  host: z.string(),
  failures: z.int().meta({ description: 'In a row.' }),
  failing_since: timeAnswer,
  last_failure: z.string(),
  open_until: timeAnswer.nullable().meta({ description: 'When it is tried again, by one callback alone.' }),
})

const request = {
  ...named,
  callback: callbackAnswer,
  callback_url: z.string(),
  scope: z.string(),
  error: z.string().nullable(),
  error_key: z.string().nullable(),
  error_description: z.string().nullable(),
  account_id: z.string().nullable(),
  abandoned_because: z.enum(ABANDONED_BECAUSE).nullable(),
  attempts: z.int(),
  last_attempt: attemptAnswer.nullable(),
  next_attempt_at: timeAnswer.nullable(),
  held_since: timeAnswer.nullable().meta({
    description: 'Since when it waits for its service account, through which nothing works: see its diagnosis.',
  }),
  held_back_by: hostAnswer
    .nullable()
    .meta({ description: 'The failing host that this waits for, without losing an attempt.' }),
  created_at: timeAnswer,
  decided_at: timeAnswer.nullable(),
  ended_at: timeAnswer.nullable(),
}

export const requestAnswer = z.strictObject(request)

export const deadLetterListAnswer = z.strictObject({
  dead_letters: z.array(z.strictObject({ client_id: z.string(), service_account_id: z.string(), ...request })),
  next_cursor: nextCursorAnswer,
})

export const redeliveryAnswer = z.strictObject({
  redelivered: z.int(),
  abandoned_before: timeAnswer.meta({ description: 'To be sent again with the next batch.' }),
  done: z.boolean(),
})

export const backlogAnswer = z.strictObject({
  undecided: z.int(),
  undelivered: z.int(),
  oldest_undelivered_seconds: z.int().nullable(),
  untold_events: z.int(),
  oldest_untold_event_seconds: z.int().nullable(),
  overdue_seconds: z.int().meta({ description: 'Above a minute: nobody sweeps, or nobody keeps up.' }),
  failing_hosts: z.array(hostAnswer.extend({ client_id: z.string() })),
})

export const requestListAnswer = z.strictObject({
  service_account_authorizations: z.array(requestAnswer),
  next_cursor: nextCursorAnswer,
})

export const shownRequestAnswer = z.strictObject({ ...request, callback_attempts: z.array(attemptAnswer) })
