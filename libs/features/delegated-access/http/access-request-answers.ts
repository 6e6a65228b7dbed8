import { z } from 'zod'
import { timeAnswer } from '#platform/http/openapi/answers.js'
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

const request = {
  ...named,
  callback: callbackAnswer,
  callback_url: z.string(),
  scope: z.string(),
  error: z.string().nullable(),
  error_key: z.string().nullable(),
  error_description: z.string().nullable(),
  account_id: z.string().nullable(),
  attempts: z.int(),
  next_attempt_at: timeAnswer.nullable(),
  created_at: timeAnswer,
  decided_at: timeAnswer.nullable(),
  ended_at: timeAnswer.nullable(),
}

export const requestAnswer = z.strictObject(request)

export const requestListAnswer = z.strictObject({
  service_account_authorizations: z.array(requestAnswer),
  next_cursor: z.string().nullable().meta({ description: 'Null on the last page.' }),
})

export const attemptAnswer = z.strictObject({
  number: z.int(),
  started_at: timeAnswer,
  milliseconds: z.int().nullable(),
  status: z.int().nullable().meta({ description: 'What the receiver answered, if it did.' }),
  failure: z.string().nullable(),
})

export const shownRequestAnswer = z.strictObject({ ...request, callback_attempts: z.array(attemptAnswer) })
