import { X509Certificate } from 'node:crypto'
import type { OperatorCredentialWithSecret } from '#domain/credentials/provider-credentials.js'
import { parseCredential } from '#domain/providers/credential-codec.js'
import { audienceOf } from '#domain/providers/google/read-workload-identity.js'
import type { MicrosoftCloudName, ProviderCredential } from '#domain/providers/provider.port.js'

/** What may be shown of a registration: enough to find it in the provider's own console, and no secret. */
export interface RegistrationFacts {
  provider: string
  /** Null: for every client that has none of its own. */
  clientId: string | null
  credential: CredentialFacts | null
  signInClientId: string | null
  /** Of what acts, where it is known. */
  expiresAt: Date | null
  /** Since when there is one to go back to. */
  formerReplacedAt: Date | null
  updatedAt: Date
}

export type CredentialFacts =
  | { kind: 'service account key'; numericClientId: string; email: string; keyIds: (string | null)[] }
  | { kind: 'workload identity'; numericClientId: string; email: string; audience: string }
  | ({ kind: 'client secret' } & AppFacts)
  | ({ kind: 'certificate'; thumbprint: string; expiresAt: Date } & AppFacts)
  | ({ kind: 'federated token'; tokenFile: string } & AppFacts)

interface AppFacts {
  applicationId: string
  cloud: MicrosoftCloudName | null
}

export function factsOf({
  provider,
  clientId,
  credential,
  signIn,
  expiresAt,
  formerReplacedAt,
  updatedAt,
}: OperatorCredentialWithSecret): RegistrationFacts {
  const facts = credential && credentialFacts(parseCredential(credential))
  // At Microsoft one app registration both acts and signs in.
  const signsInWith = facts && 'applicationId' in facts ? facts.applicationId : signIn?.clientId
  return {
    ...{ provider, clientId, credential: facts, signInClientId: signsInWith ?? null },
    ...{ expiresAt, formerReplacedAt, updatedAt },
  }
}

function credentialFacts(credential: ProviderCredential): CredentialFacts {
  if (credential.provider === 'google') {
    const { clientId: numericClientId, clientEmail: email, proof } = credential
    return proof.kind === 'keys'
      ? { kind: 'service account key', numericClientId, email, keyIds: proof.keys.map(({ id }) => id) }
      : { kind: 'workload identity', numericClientId, email, audience: audienceOf(proof.configuration) }
  }
  const { clientId: applicationId, cloud, proof } = credential
  const app = { applicationId, cloud }
  if (proof.kind === 'secret') return { kind: 'client secret', ...app }
  if (proof.kind === 'federated') return { kind: 'federated token', tokenFile: proof.tokenFile, ...app }
  const certificate = new X509Certificate(proof.certificatePem)
  // SHA-1 without colons is how Entra lists certificates.
  const thumbprint = certificate.fingerprint.replaceAll(':', '')
  return { kind: 'certificate', ...app, thumbprint, expiresAt: certificate.validToDate }
}
