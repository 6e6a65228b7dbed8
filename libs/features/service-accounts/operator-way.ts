import type { OperatorCredentialWithSecret, ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import type { SignInRegistration } from '#domain/providers/administrator.port.js'
import { parseCredential } from '#domain/providers/credential-codec.js'
import type { ProviderCredential, ProviderName } from '#domain/providers/provider.port.js'
import { signInRegistrationOf } from '#domain/providers/sign-in-registration.js'
import type { Em } from '#platform/database/database.js'
import type { Consent } from './consent.entity.js'
import { ConsentStop } from './service-accounts.errors.js'

/** What the operator's way needs, both or nothing. */
export interface OperatorWay {
  credential: ProviderCredential
  signIn: SignInRegistration
}

/** @throws ConsentStop wayClosed: the operator may have removed it since the page was shown */
export async function getOperatorWay(
  em: Em,
  operatorCredentials: ProviderCredentials,
  consent: Consent,
): Promise<OperatorWay> {
  const operator =
    consent.provider && (await operatorCredentials.findWithSecret(em, consent.provider, consent.clientId))
  const way = operator && operatorWayOf(operator)
  if (!way) throw new ConsentStop('wayClosed')
  return way
}

/** Null where something is missing. At Microsoft nothing can be: one app registration both acts and signs in. */
export function operatorWayOf(operator: OperatorCredentialWithSecret): OperatorWay | null {
  const credential = operator.credential && parseCredential(operator.credential)
  if (!credential) return null
  const signIn = signInRegistrationOf(operator)
  return signIn && { credential, signIn }
}

/** Registered by the operator at the provider, once for every client. */
export const returnUri = (publicUrl: URL, provider: ProviderName) =>
  new URL(`/enterprise_connect/oauth/return/${provider}`, publicUrl).href
