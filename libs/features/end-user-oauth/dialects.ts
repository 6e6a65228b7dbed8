import { type DelegatedScope, isDelegatedScope, permissionsOf } from '#domain/providers/delegated-scopes.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import {
  type AccountUse,
  SOCRATE_USES,
  userScopesFor,
  userScopesForPermissions,
  WORK_API_USES,
} from '#domain/providers/user-scopes.js'

/** The words in which clients ask for accounts. What they ask for, and what comes of it, is the same in all. */
export type Dialect = 'morgen' | 'work-api' | 'oauth' | 'socrate'

/** What an account is connected for: by OAuth a delegated scope, in the other dialects a whole kind of data. */
export type ConnectScope = DelegatedScope | AccountUse

/** What the person is asked for at this provider. */
export function providerScopesOf(provider: ProviderName, scope: readonly string[]): string[] {
  const permissions = permissionsOf(scope.filter(isDelegatedScope))
  const uses = scope.filter((name): name is AccountUse => !isDelegatedScope(name))
  return [
    ...(permissions.length > 0 ? userScopesForPermissions(provider, permissions) : []),
    ...userScopesFor(provider, uses),
  ]
}

/** Morgen's ids of providers. */
export const MORGEN_PROVIDERS = { google: 'google', o365: 'microsoft' } as const satisfies Record<string, ProviderName>
export type MorgenProviderId = keyof typeof MORGEN_PROVIDERS
export const morgenIdOf = (provider: ProviderName): MorgenProviderId => (provider === 'google' ? 'google' : 'o365')

export type IntegrationProvider = keyof typeof WORK_API_USES
export type MediaType = 'email' | 'calendar' | 'files' | 'contacts'

/** Null where that product has no such media. */
export const integrationUse = (provider: IntegrationProvider, mediaType: MediaType): AccountUse | null =>
  (WORK_API_USES[provider].media as Partial<Record<MediaType, AccountUse>>)[mediaType] ?? null

/** The product and media that an account connected in another dialect is shown as; null where Work-API has no word for it. */
export function integrationKindOf(
  provider: ProviderName,
  scope: readonly string[],
): { provider: IntegrationProvider; mediaType: MediaType } | null {
  for (const [name, product] of Object.entries(WORK_API_USES)) {
    if (product.provider !== provider) continue
    for (const [mediaType, use] of Object.entries(product.media))
      if (scope.some((asked) => isWithin(asked, use)))
        return { provider: name as IntegrationProvider, mediaType: mediaType as MediaType }
  }
  return null
}

const isWithin = (asked: string, use: AccountUse) =>
  asked === use || (use === 'mail' && (asked === 'mailToRead' || asked === 'mailToSend'))

export type SocrateScope = keyof typeof SOCRATE_USES

/** What a grant is in Socrate's words; what it has no word for is left out. */
export const socrateScopesOf = (scope: readonly string[]): SocrateScope[] =>
  (Object.keys(SOCRATE_USES) as SocrateScope[]).filter((name) => {
    const use = SOCRATE_USES[name]
    return scope.includes(use) || (use !== 'address' && scope.includes('mail'))
  })
