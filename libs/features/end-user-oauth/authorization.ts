import type { ProviderName } from '#domain/providers/provider.port.js'

/** A live grant of a connected account, as its client and user know it. */
export interface Authorization {
  /** `aut_…` */
  id: string
  userId: string
  provider: ProviderName
  /** What it was connected for: uses of an account, or delegated scopes. */
  scope: readonly string[]
  email: string
  createdAt: Date
}

/** The same row by another name: in dialects that speak of authorizations, a grant's id says so. */
export const authorizationIdOf = (grantId: string) => grantId.replace(/^gra_/, 'aut_')
export const grantIdOf = (authorizationId: string) => authorizationId.replace(/^aut_/, 'gra_')
