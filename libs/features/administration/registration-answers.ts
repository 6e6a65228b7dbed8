import { z } from 'zod'
import { MICROSOFT_CLOUD_NAMES } from '#domain/providers/provider.port.js'
import { timeAnswer } from '#platform/http/openapi/answers.js'

// What `registration.dto` writes, as `/openapi.json` promises it.

const cloud = z.enum(MICROSOFT_CLOUD_NAMES).nullable().meta({ description: 'Where the app registration is.' })

const credential = z.union([
  z.strictObject({
    kind: z.literal('service_account'),
    client_id: z.string(),
    email: z.string(),
    key_ids: z.array(z.string().nullable()),
  }),
  z.strictObject({
    kind: z.literal('workload_identity'),
    client_id: z.string(),
    email: z.string(),
    audience: z.string(),
  }),
  z.strictObject({ kind: z.literal('client_secret'), client_id: z.string(), cloud }),
  z.strictObject({
    kind: z.literal('federated_token'),
    client_id: z.string(),
    cloud,
    token_file: z.string().meta({ description: 'Read anew each time, by every process that acts.' }),
  }),
  z.strictObject({
    kind: z.literal('certificate'),
    client_id: z.string(),
    cloud,
    thumbprint: z.string(),
    expires_at: timeAnswer,
  }),
])

export const registrationAnswer = z.strictObject({
  provider: z.string().meta({ description: '`google` or `microsoft`.' }),
  client: z.string().nullable().meta({ description: 'Null: for every client.' }),
  credential: credential.nullable(),
  sign_in: z.strictObject({ client_id: z.string() }).nullable(),
  expires_at: timeAnswer.nullable().meta({ description: 'Of the credential, where it is known.' }),
  former_replaced_at: timeAnswer
    .nullable()
    .meta({ description: 'When the credential before this one was replaced: it can be gone back to.' }),
  updated_at: timeAnswer,
})

export const registrationsAnswer = z.strictObject({ providers: z.array(registrationAnswer) })
