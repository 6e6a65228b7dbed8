import { X509Certificate } from 'node:crypto'
import type { CloudName, RegistrationSeed } from './seed.js'

interface ClientSecret {
  value: string
  /** Epoch ms; null for never. */
  expiresAt: number | null
}

export interface ClientCertificate {
  pem: string
  certificate: X509Certificate
  /** base64url, as `x5t` and `x5t#S256` carry them. */
  sha1: string
  sha256: string
}

/** An app registration: what its owner has set up, the same for all tenants. */
export interface Registration {
  clientId: string
  displayName: string
  cloud: CloudName
  audience: string
  secrets: ClientSecret[]
  certificates: ClientCertificate[]
  federatedCredentials: RegistrationSeed['federatedCredentials']
  redirectUris: string[]
  permissions: string[]
  publicClient: boolean
  widsInIdToken: boolean
}

export const registrationFrom = (seed: RegistrationSeed): Registration => ({
  ...seed,
  secrets: seed.secrets.map(({ value, expiresAt }) => ({ value, expiresAt: expiresAt ? Date.parse(expiresAt) : null })),
  certificates: seed.certificates.map(clientCertificate),
})

export function clientCertificate(pem: string): ClientCertificate {
  const certificate = new X509Certificate(pem)
  return {
    pem,
    certificate,
    sha1: thumbprint(certificate.fingerprint),
    sha256: thumbprint(certificate.fingerprint256),
  }
}

const thumbprint = (colons: string) => Buffer.from(colons.replaceAll(':', ''), 'hex').toString('base64url')

/** A single-tenant app does not exist outside its own tenant. */
export const servesTenant = ({ audience }: Registration, tenantId: string) =>
  audience === 'organizations' || audience === tenantId

export function acceptsRedirect({ redirectUris }: Registration, uri: string): boolean {
  if (redirectUris.includes(uri)) return true
  return redirectUris.includes('loopback') && /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(\/|$)/.test(uri)
}
