import { z } from 'zod'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { requiredText } from '#platform/http/read-input.js'
import type { ServiceAccountPage } from './list-service-accounts.js'
import type { RevokedServiceAccount } from './revoke-service-account.js'
import type { revokedAnswer, serviceAccountAnswer, serviceAccountPageAnswer } from './service-account-answers.js'

/** Whatever its length: an id that is not ours is one that does not exist. */
export const serviceAccountIdDto = z.strictObject({ id: requiredText(512) })

export const serviceAccountPageDto = z.strictObject({
  client: requiredText(512).optional(),
  limit: z.coerce.number('must be a number').int().min(1).max(100).default(50),
  cursor: z
    .string()
    .regex(/^ser_[0-9a-f]{24}$/, 'must be the next_cursor of an earlier page')
    .optional(),
})

export const toServiceAccountBody = (account: ServiceAccount): z.infer<typeof serviceAccountAnswer> => ({
  service_account_id: account.id,
  client_id: account.clientId,
  provider: account.provider,
  organisation: { id: account.organisationId, name: account.organisationName, domains: account.domains },
  administrator: account.administratorEmail,
  credential: account.credentialSource,
  scope: account.scope,
  delegated_scope: account.delegatedScope,
  created_at: account.createdAt.toISOString(),
  updated_at: account.updatedAt.toISOString(),
  revoked_at: account.revokedAt?.toISOString() ?? null,
})

export const toServiceAccountPageBody = ({
  serviceAccounts,
  nextCursor,
}: ServiceAccountPage): z.infer<typeof serviceAccountPageAnswer> => ({
  service_accounts: serviceAccounts.map(toServiceAccountBody),
  next_cursor: nextCursor,
})

export const toRevokedBody = ({
  account,
  revoked: { grants, codes, tokens, requests },
}: RevokedServiceAccount): z.infer<typeof revokedAnswer> => ({
  ...toServiceAccountBody(account),
  revoked: { grants, codes, tokens, requests },
})
