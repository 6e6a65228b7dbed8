import { z } from 'zod'
import type { ApiKey } from '#domain/clients/api-key.entity.js'
import type { NewApiKey } from '#domain/clients/api-keys.js'
import { requiredText } from '#platform/http/read-input.js'
import type { Page } from '#platform/paging/page.js'
import { idCursorDto, limitDto } from '#platform/paging/paging.dto.js'
import type { apiKeyAnswer, apiKeyPageAnswer, createdApiKeyAnswer } from './api-key-answers.js'
import type { CreatedApiKey } from './create-api-key.js'

// `/admin/v1` and the CLI speak this one language.

const time = z.union([z.iso.datetime({ offset: true }), z.iso.date()], {
  error: 'must be a date or a time such as 2027-06-30 or 2027-06-30T12:00:00Z',
})

/** What a scope must look like is said where it is used. A date alone is its first moment, in UTC. */
export const newApiKeyDto = z
  .strictObject({
    client_id: requiredText(512),
    scopes: z.array(requiredText(200), { error: 'must be a list such as ["oauth-api:query:*"]' }).max(100),
    expires_at: time.optional(),
  })
  .transform(
    ({ client_id, scopes, expires_at }): NewApiKey => ({
      clientId: client_id,
      scopes,
      expiresAt: expires_at === undefined ? null : new Date(expires_at),
    }),
  )

/** Whatever its length: an id that is not ours is one that does not exist. */
export const apiKeyIdDto = z.strictObject({ id: requiredText(512) })

export const apiKeyPageDto = z.strictObject({
  client: requiredText(512).optional(),
  limit: limitDto(),
  cursor: idCursorDto('key'),
})

export const toCreatedApiKeyBody = ({ apiKey, key }: CreatedApiKey): z.infer<typeof createdApiKeyAnswer> => ({
  key: key.reveal(),
  id: apiKey.id,
  scopes: apiKey.scope,
})

export const toApiKeyBody = (apiKey: ApiKey): z.infer<typeof apiKeyAnswer> => ({
  id: apiKey.id,
  client_id: apiKey.clientId,
  scopes: apiKey.scope,
  created_at: apiKey.createdAt.toISOString(),
  expires_at: apiKey.expiresAt?.toISOString() ?? null,
  revoked_at: apiKey.revokedAt?.toISOString() ?? null,
  last_used_at: apiKey.lastUsedAt?.toISOString() ?? null,
})

export const toApiKeyPageBody = ({ rows, nextCursor }: Page<ApiKey>): z.infer<typeof apiKeyPageAnswer> => ({
  keys: rows.map(toApiKeyBody),
  next_cursor: nextCursor,
})
