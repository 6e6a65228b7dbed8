import type { Secret } from '#platform/secrets/secret.js'
import type { OAuthClient, SignInRegistration } from './administrator.port.js'
import { parseCredential } from './credential-codec.js'
import type { ProviderName } from './provider.port.js'

/** What the operator has set up at a provider, for one client or for all. */
export interface OperatorSetup {
  provider: string
  /** As `serialiseCredential` wrote it. */
  credential: Secret<string> | null
  signIn: OAuthClient | null
}

/**
 * With what people sign in at Google (an OAuth client), or at Microsoft (the app registration, which also acts). Null
 * where the operator has set up none.
 */
export function signInRegistrationOf({ provider, credential, signIn }: OperatorSetup): SignInRegistration | null {
  if ((provider as ProviderName) === 'google') return signIn
  const parsed = credential && parseCredential(credential)
  return parsed?.provider === 'microsoft' ? parsed : null
}
