import { z } from 'zod'
import type { Client } from '#domain/clients/client.entity.js'
import type { NewClient } from '#domain/clients/clients.js'
import type { GivenKeys } from '#domain/clients/user-token-keys.js'
import { requiredText } from '#platform/http/read-input.js'
import type { Page } from '#platform/paging/page.js'
import { idCursorDto, limitDto } from '#platform/paging/paging.dto.js'
import type {
  clientAnswer,
  endedUserTokenSecretsAnswer,
  pageAnswer,
  registeredAnswer,
  rotatedAnswer,
  rotatedUserTokenSecretAnswer,
  shownAnswer,
} from './client-answers.js'
import type { DisabledClient } from './disable-client.js'
import type { RegisteredClient } from './register-client.js'
import type { RotatedSecret } from './rotate-client-secret.js'
import type { RotatedUserTokenSecret } from './rotate-user-token-secret.js'
import type { ShownClient } from './show-client.js'

// `/admin/v1` and the CLI speak this one language: what a command prints with `--json` is what its route answers.

const urls = z
  .array(requiredText(2048), { error: 'must be a list of URLs' })
  .max(50, 'must have at most 50')
  .default([])

export const newClientDto = z
  .strictObject({ name: requiredText(120), redirect_uris: urls, callback_origins: urls })
  .transform(
    ({ name, redirect_uris, callback_origins }): NewClient => ({
      name,
      redirectUris: redirect_uris,
      callbackOrigins: callback_origins,
    }),
  )

/** Whatever its length: an id that is not ours is one that does not exist. */
export const clientIdDto = z.strictObject({ id: requiredText(512) })

/** What is in a JWKS is read where it is used, so that every problem of a key is told in one way. */
export const userTokenKeysDto = z
  .strictObject({ jwks: z.looseObject({ keys: z.unknown() }).optional(), jwks_uri: requiredText(2048).optional() })
  .refine(({ jwks, jwks_uri }) => (jwks === undefined) !== (jwks_uri === undefined), {
    error: 'give jwks or jwks_uri, and not both',
    path: ['jwks'],
  })
  .transform(({ jwks, jwks_uri }): GivenKeys => (jwks_uri === undefined ? { jwks } : { jwksUri: jwks_uri }))

export const providerTokensDto = z.strictObject({ allowed: z.boolean('must be true or false') })

export const pageDto = z.strictObject({
  limit: limitDto(),
  cursor: idCursorDto('cli'),
})

const toClientBody = (client: Client): z.infer<typeof clientAnswer> => ({
  client_id: client.id,
  name: client.name,
  redirect_uris: client.redirectUris,
  callback_origins: client.callbackOrigins,
  event_url: client.eventUrl ?? null,
  provider_tokens: client.mayHoldProviderTokens,
  created_at: client.createdAt.toISOString(),
  disabled_at: client.disabledAt?.toISOString() ?? null,
})

export const toDisabledBody = ({ client, revoked: { serviceAccounts, ...counts } }: DisabledClient) => ({
  ...toClientBody(client),
  revoked: { service_accounts: serviceAccounts, ...counts },
})

export const toPageBody = ({ rows, nextCursor }: Page<Client>): z.infer<typeof pageAnswer> => ({
  clients: rows.map(toClientBody),
  next_cursor: nextCursor,
})

export const toShownBody = ({
  client,
  liveSecrets,
  liveUserTokenSecrets,
}: ShownClient): z.infer<typeof shownAnswer> => ({
  ...toClientBody(client),
  secrets: liveSecrets.map(toSecretBody),
  user_token_secrets: liveUserTokenSecrets.map(toSecretBody),
  jwks: (client.jwks as z.infer<typeof shownAnswer>['jwks']) ?? null,
  jwks_uri: client.jwksUri ?? null,
})

const toSecretBody = ({ id, createdAt, expiresAt }: ShownClient['liveSecrets' | 'liveUserTokenSecrets'][number]) => ({
  id,
  created_at: createdAt.toISOString(),
  expires_at: expiresAt?.toISOString() ?? null,
})

export const toRegisteredBody = ({
  client,
  secret,
  signingSecret,
}: RegisteredClient): z.infer<typeof registeredAnswer> => ({
  client_id: client.id,
  client_secret: secret.reveal(),
  name: client.name,
  redirect_uris: client.redirectUris,
  callback_origins: client.callbackOrigins,
  signing_secret: signingSecret.reveal(),
})

export const toRotatedBody = (
  clientId: string,
  { secret, previousExpiresAt }: RotatedSecret,
): z.infer<typeof rotatedAnswer> => ({
  client_id: clientId,
  client_secret: secret.reveal(),
  previous_secret_expires_at: previousExpiresAt.toISOString(),
})

export const toRotatedUserTokenSecretBody = (
  clientId: string,
  { secret, previousExpiresAt }: RotatedUserTokenSecret,
): z.infer<typeof rotatedUserTokenSecretAnswer> => ({
  client_id: clientId,
  user_token_secret: secret.reveal(),
  previous_secret_expires_at: previousExpiresAt?.toISOString() ?? null,
})

export const toEndedUserTokenSecretsBody = (
  clientId: string,
  ended: number,
): z.infer<typeof endedUserTokenSecretsAnswer> => ({ client_id: clientId, ended })
