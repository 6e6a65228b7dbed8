import { X509Certificate } from 'node:crypto'
import type { ProviderCredential } from './provider.port.js'

/** When a credential ends, as far as it says so itself: a certificate does; a secret or a key does not. */
export function expiryOf(credential: ProviderCredential): Date | null {
  if (credential.provider !== 'microsoft' || credential.proof.kind !== 'certificate') return null
  return new Date(new X509Certificate(credential.proof.certificatePem).validTo)
}
