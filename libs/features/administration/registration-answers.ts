import { z } from 'zod'
import { timeAnswer } from '#platform/http/openapi/answers.js'

// What `registration.dto` writes, as `/openapi.json` promises it.

const credential = z.union([
  z.strictObject({
    kind: z.literal('service_account'),
    client_id: z.string(),
    email: z.string(),
    key_id: z.string().nullable(),
  }),
  z.strictObject({ kind: z.literal('client_secret'), client_id: z.string() }),
  z.strictObject({
    kind: z.literal('certificate'),
    client_id: z.string(),
    thumbprint: z.string(),
    expires_at: timeAnswer,
  }),
])

export const registrationAnswer = z.strictObject({
  provider: z.string().meta({ description: '`google` or `microsoft`.' }),
  client: z.string().nullable().meta({ description: 'Null: for every client.' }),
  credential: credential.nullable(),
  sign_in: z.strictObject({ client_id: z.string() }).nullable(),
  updated_at: timeAnswer,
})

export const registrationsAnswer = z.strictObject({ providers: z.array(registrationAnswer) })
