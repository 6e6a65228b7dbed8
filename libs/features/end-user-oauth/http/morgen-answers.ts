import { z } from 'zod'
import { timeAnswer } from '#platform/http/openapi/answers.js'
import { text } from '#platform/http/read-input.js'
import { morgenIdOf } from '../dialects.js'
import type { FoundAccount } from '../find-accounts.js'

// The dialect's own names, as its guide has them.

export const authorizationUrlQuery = z.strictObject({
  redirect_url: text(2000)
    .optional()
    .meta({
      description:
        "Where the person's browser ends: one of the client's registered redirect URIs. Left out: on a page of ours. If " +
        'nothing is connected, `error` and `error_description` are added.',
    }),
})

export const authorizationUrlAnswer = z.strictObject({ authorizationUrl: z.string() })

export const integrationsAnswer = z.strictObject({
  data: z.strictObject({
    integrations: z.array(
      z.strictObject({
        id: z.string(),
        groups: z.array(z.string()),
        displayName: z.string(),
        authenticationType: z.string(),
        authDescription: z.string(),
        description: z.string(),
        priority: z.int(),
        iconData: z.string().meta({ description: 'An SVG, in base64.' }),
      }),
    ),
    groups: z.array(z.strictObject({ displayName: z.string(), type: z.string() })),
  }),
})

const accountAnswer = z.strictObject({
  id: z.string().meta({ description: 'Begins with `acc_`.' }),
  providerId: z.string(),
  userId: z.string(),
  clientId: z.string(),
  providerUserId: z.string().meta({ description: 'The address of the account at the provider.' }),
  providerUserDisplayName: z.string().nullable(),
  integrationId: z.string(),
  auth: z.strictObject({
    mechanism: z.literal('oauth'),
    refreshTokenUpdatedAt: timeAnswer,
    accessTokenUpdatedAt: timeAnswer,
  }),
  lastCheckedAt: timeAnswer,
  lastCheckedError: z.string().nullable().meta({ description: 'Null when all was well.' }),
  requiresAuthentication: z
    .boolean()
    .nullable()
    .meta({ description: 'True: only the person can mend it, by connecting the account again. Otherwise null.' }),
  createdAt: timeAnswer,
  updatedAt: timeAnswer,
})

export const accountsAnswer = z.strictObject({ data: z.strictObject({ accounts: z.array(accountAnswer) }) })

export const disconnectedAnswer = z.strictObject({})

export const toAccountBody = (account: FoundAccount): z.infer<typeof accountAnswer> => ({
  id: account.id,
  providerId: account.profileId,
  userId: account.userId,
  clientId: account.clientId,
  providerUserId: account.email,
  providerUserDisplayName: account.displayName,
  integrationId: morgenIdOf(account.provider),
  auth: {
    mechanism: 'oauth',
    refreshTokenUpdatedAt: account.refreshTokenUpdatedAt.toISOString(),
    accessTokenUpdatedAt: account.accessTokenUpdatedAt.toISOString(),
  },
  lastCheckedAt: account.lastCheckedAt.toISOString(),
  lastCheckedError: account.lastCheckedError,
  requiresAuthentication: account.requiresAuthentication || null,
  createdAt: account.createdAt.toISOString(),
  updatedAt: account.lastCheckedAt.toISOString(),
})
