import type { Secret } from '#platform/secrets/secret.js'
import { parseCredential } from './credential-codec.js'
import type { MicrosoftCloudName, Organisation, ProviderCredential } from './provider.port.js'

/** A service account as its provider needs it: the proven organisation, and the credential that acts for it. */
export function organisationOf(
  account: {
    organisationId: string
    domains: readonly string[]
    administratorEmail: string
    cloud?: MicrosoftCloudName | null
    /** Each consent writes it, and nothing else does. */
    updatedAt: Date
  },
  credential: Secret<string>,
  credentialVersion: string,
): Organisation {
  return {
    id: account.organisationId,
    domains: account.domains,
    administratorEmail: account.administratorEmail,
    credential: parsedOnce(credential),
    credentialVersion,
    cloud: account.cloud,
    authorisedAt: account.updatedAt,
  }
}

/** For as long as whoever has opened it keeps it: every mailbox and every proxied call asks for it. */
const parsed = new WeakMap<Secret<string>, ProviderCredential>()

function parsedOnce(credential: Secret<string>): ProviderCredential {
  const known = parsed.get(credential) ?? parseCredential(credential)
  parsed.set(credential, known)
  return known
}
