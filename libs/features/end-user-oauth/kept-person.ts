import type { MicrosoftCloudName } from '#domain/providers/provider.port.js'
import type { ConnectedPerson } from '#domain/providers/user-sign-in.port.js'

/** What a sign-in has brought, without what is of no use later: the access token. */
export interface KeptPerson {
  providerUserId: string
  email: string
  displayName: string | null
  organisation: string | null
  cloud: MicrosoftCloudName | null
  registrationId: string
  refreshToken: string | null
  grantedScopes: readonly string[]
}

export const keptPersonOf = (person: ConnectedPerson, registrationId: string): KeptPerson => ({
  providerUserId: person.providerUserId,
  email: person.email,
  displayName: person.displayName,
  organisation: person.organisation,
  cloud: person.cloud ?? null,
  registrationId,
  refreshToken: person.tokens.refreshToken?.reveal() ?? null,
  grantedScopes: person.tokens.grantedScopes,
})
