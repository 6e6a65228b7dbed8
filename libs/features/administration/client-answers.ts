import { z } from 'zod'
import { timeAnswer } from '#platform/http/openapi/answers.js'
import { nextCursorAnswer } from '#platform/paging/paging.dto.js'
import { revokedCounts } from './service-account-answers.js'

// What `client.dto` writes, as `/openapi.json` promises it.

const registration = {
  client_id: z.string().meta({ description: 'Begins with `cli_`.' }),
  name: z.string(),
  redirect_uris: z.array(z.string()),
  callback_origins: z.array(z.string()),
}
const client = {
  ...registration,
  event_url: z.string().nullable(),
  provider_tokens: z.boolean().meta({ description: "Whether it may be given the provider's own tokens (RFC 8693)." }),
  created_at: timeAnswer,
  disabled_at: timeAnswer.nullable(),
}

export const clientAnswer = z.strictObject(client)

export const disabledAnswer = z.strictObject({
  ...client,
  revoked: z.strictObject({ service_accounts: z.int(), ...revokedCounts }),
})

export const pageAnswer = z.strictObject({
  clients: z.array(clientAnswer),
  next_cursor: nextCursorAnswer,
})

const liveSecrets = z.array(
  z.strictObject({ id: z.string(), created_at: timeAnswer, expires_at: timeAnswer.nullable() }),
)

export const shownAnswer = z.strictObject({
  ...client,
  secrets: liveSecrets,
  user_token_secrets: liveSecrets,
  jwks: z.looseObject({ keys: z.array(z.looseObject({})) }).nullable(),
  jwks_uri: z.string().nullable(),
})

export const registeredAnswer = z.strictObject({
  ...registration,
  client_secret: z.string(),
  signing_secret: z.string(),
})

export const rotatedAnswer = z.strictObject({
  client_id: z.string(),
  client_secret: z.string(),
  previous_secret_expires_at: timeAnswer,
})

export const rotatedUserTokenSecretAnswer = z.strictObject({
  client_id: z.string(),
  user_token_secret: z.string().meta({ description: 'Its characters are the key as they stand; do not decode them.' }),
  previous_secret_expires_at: timeAnswer.nullable().meta({ description: 'Null where it is the first.' }),
})

export const endedUserTokenSecretsAnswer = z.strictObject({ client_id: z.string(), ended: z.int() })
