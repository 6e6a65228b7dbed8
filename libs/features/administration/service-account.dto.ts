import { z } from 'zod'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { stateOf } from '#domain/credentials/service-account-states.js'
import { explainReason } from '#domain/providers/error-meaning.js'
import { requiredText } from '#platform/http/read-input.js'
import type { Page } from '#platform/paging/page.js'
import { idCursorDto, limitDto } from '#platform/paging/paging.dto.js'
import type { RevokedServiceAccount } from './revoke-service-account.js'
import type { revokedAnswer, serviceAccountAnswer, serviceAccountPageAnswer } from './service-account-answers.js'

/** Whatever its length: an id that is not ours is one that does not exist. */
export const serviceAccountIdDto = z.strictObject({ id: requiredText(512) })

export const credentialExpiryDto = z.strictObject({
  credential_expires_at: z.iso
    .datetime({ offset: true, error: 'must be a time such as 2027-01-31T00:00:00Z' })
    .transform((time) => new Date(time))
    .nullable()
    .meta({ description: 'Null: not known.' }),
})

export const serviceAccountPageDto = z.strictObject({
  client: requiredText(512).optional(),
  limit: limitDto(),
  cursor: idCursorDto('ser'),
})

export const toServiceAccountBody = (account: ServiceAccount): z.infer<typeof serviceAccountAnswer> => ({
  service_account_id: account.id,
  client_id: account.clientId,
  ...toStateBody(account),
  provider: account.provider,
  organisation: { id: account.organisationId, name: account.organisationName, domains: account.domains },
  administrator: account.administratorEmail,
  credential: account.credentialSource,
  credential_expires_at: account.credentialExpiresAt?.toISOString() ?? null,
  scope: account.scope,
  delegated_scope: account.delegatedScope,
  created_at: account.createdAt.toISOString(),
  updated_at: account.updatedAt.toISOString(),
  revoked_at: account.revokedAt?.toISOString() ?? null,
})

const toStateBody = (account: ServiceAccount) => {
  const { state, since, reason } = stateOf(account)
  return {
    state,
    state_since: since.toISOString(),
    state_reason: explainReason(reason),
    probed_next_at: account.revokedAt ? null : (account.probeAt?.toISOString() ?? null),
  }
}

export const toServiceAccountPageBody = ({
  rows,
  nextCursor,
}: Page<ServiceAccount>): z.infer<typeof serviceAccountPageAnswer> => ({
  service_accounts: rows.map(toServiceAccountBody),
  next_cursor: nextCursor,
})

export const toRevokedBody = ({
  account,
  revoked: { grants, codes, tokens, requests },
}: RevokedServiceAccount): z.infer<typeof revokedAnswer> => ({
  ...toServiceAccountBody(account),
  revoked: { grants, codes, tokens, requests },
})
