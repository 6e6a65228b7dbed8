import { z } from 'zod'
import { timeAnswer } from '#platform/http/openapi/answers.js'
import { nextCursorAnswer } from '#platform/paging/paging.dto.js'

// What `audit.dto` writes, as `/openapi.json` promises it.

const eventAnswer = z.strictObject({
  client_id: z.string().meta({ description: 'Whose chain it is in: a client, or `operator`.' }),
  sequence: z.int(),
  version: z.int().meta({ description: 'Of the form that is hashed.' }),
  at: timeAnswer,
  act: z.string(),
  actor: z.string(),
  address: z.string().nullable(),
  request_id: z.string().nullable(),
  service_account_id: z.string().nullable(),
  mailbox: z.string().nullable(),
  subject: z.string().nullable(),
  reason: z.string().nullable(),
  details: z.record(z.string(), z.unknown()).nullable(),
  previous: z.string(),
  hash: z.string(),
})

const completeUntil = timeAnswer.meta({
  description: 'Every act until then is on record here. It is the present, unless the chains lag behind what happens.',
})

const completeFrom = z.string().nullable().meta({
  description: 'A day: what was done before it has left for an archive of the operator. Null: nothing has.',
})

export const eventPageAnswer = z.strictObject({
  events: z.array(eventAnswer),
  next_cursor: nextCursorAnswer,
  complete_from: completeFrom,
  complete_until: completeUntil,
})

export const headsAnswer = z.strictObject({
  heads: z.array(
    z.strictObject({
      client_id: z.string(),
      sequence: z.int(),
      hash: z.string(),
      signed_at: timeAnswer,
      signature: z.string(),
    }),
  ),
  public_key: z.string().meta({ description: 'Ed25519, PEM: of the key that signs now.' }),
})

export const verificationAnswer = z.strictObject({
  intact: z.boolean(),
  chains: z.array(
    z.strictObject({
      client: z.string(),
      rows: z.int().meta({ description: 'Rows that are as they were written.' }),
      archived: z.int().meta({ description: 'Rows before them, which have left for an archive.' }),
      finding: z
        .strictObject({
          tampering: z.enum(['edited', 'deleted', 'reordered', 'cut off', 'planted', 'forged']),
          sequence: z.int(),
          explanation: z.string(),
        })
        .nullable(),
    }),
  ),
})

export const readersAnswer = z.strictObject({
  mailbox: z.string(),
  on: z.string(),
  complete_from: completeFrom,
  complete_until: completeUntil,
  readers: z.array(
    z.strictObject({
      client_id: z.string(),
      client_name: z.string(),
      service_account_id: z.string().nullable().meta({ description: 'Null: connected by the owner of the mailbox.' }),
      organisation_name: z.string().nullable(),
      grant_id: z.string(),
      scope: z.array(z.string()),
      granted_at: timeAnswer,
      ended_at: timeAnswer.nullable(),
      first_token_at: timeAnswer.nullable(),
      refreshes: z.int(),
      reads: z.int().meta({ description: 'Hours in which it was read, for each process that read.' }),
      last_read_at: timeAnswer.nullable(),
      changes: z.int().meta({ description: 'Calls that were to change something.' }),
      provider_tokens: z.int().meta({ description: "The provider's own tokens that it was given." }),
    }),
  ),
})
