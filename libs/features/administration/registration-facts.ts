import { X509Certificate } from 'node:crypto'
import type { OperatorCredentialWithSecret } from '#domain/credentials/provider-credentials.js'
import { parseCredential } from '#domain/providers/credential-codec.js'
import type { ProviderCredential } from '#domain/providers/provider.port.js'

/** What may be shown of a registration: enough to find it in the provider's own console, and no secret. */
export interface RegistrationFacts {
  provider: string
  /** Null: for every client that has none of its own. */
  clientId: string | null
  credential: CredentialFacts | null
  signInClientId: string | null
  updatedAt: Date
}

export type CredentialFacts =
  | { kind: 'service account key'; numericClientId: string; email: string; keyId: string | null }
  | { kind: 'client secret'; applicationId: string }
  | { kind: 'certificate'; applicationId: string; thumbprint: string; expiresAt: Date }

export const factsOf = (registration: OperatorCredentialWithSecret): RegistrationFacts => ({
  provider: registration.provider,
  clientId: registration.clientId,
  credential: registration.credential && credentialFacts(parseCredential(registration.credential)),
  signInClientId: registration.signIn?.clientId ?? null,
  updatedAt: registration.updatedAt,
})

function credentialFacts(credential: ProviderCredential): CredentialFacts {
  if (credential.provider === 'google') {
    const { clientId, clientEmail, privateKeyId } = credential
    return { kind: 'service account key', numericClientId: clientId, email: clientEmail, keyId: privateKeyId }
  }
  const { clientId: applicationId, proof } = credential
  if (proof.kind === 'secret') return { kind: 'client secret', applicationId }
  const certificate = new X509Certificate(proof.certificatePem)
  // SHA-1 without colons is how Entra lists certificates.
  const thumbprint = certificate.fingerprint.replaceAll(':', '')
  return { kind: 'certificate', applicationId, thumbprint, expiresAt: certificate.validToDate }
}
