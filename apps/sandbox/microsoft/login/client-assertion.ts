import { constants, verify } from 'node:crypto'
import { AadstsError } from '../aadsts.js'
import { CLOUDS } from '../clouds.js'
import type { ClientCertificate, Registration } from '../registration.js'

/** Microsoft allows five minutes; MSAL's `nbf` may lie a second ahead of `iat`. */
const SKEW_SECONDS = 300

const PADDINGS: Readonly<Record<string, object>> = {
  PS256: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  RS256: { padding: constants.RSA_PKCS1_PADDING },
}

export interface AssertionContext {
  nowMs: number
  /** What the request URL called the tenant, and its GUID: the audience may say either. */
  tenantNames: readonly string[]
  origin: string
  /** The login host that the caller addressed; null where it does not say. */
  authority: string | null
}

/**
 * Verifies a certificate assertion (RFC 7523 section 2.2) against the registration's certificates.
 * Order: well-formed, certificate known, signature, certificate's own dates, times, audience, issuer and subject.
 * @throws AadstsError
 */
export function verifyClientAssertion(jwt: string, registration: Registration, context: AssertionContext): void {
  const { header, claims, signed, signature } = parsed(jwt)
  if (claims.iss !== registration.clientId && !('x5t' in header) && !('x5t#S256' in header)) {
    verifyFederatedToken(jwt, registration, context)
    return
  }
  const known = registration.certificates.find((one) => isNamedBy(header, one))
  if (!known) throw new AadstsError(700027, { client: registration.clientId })
  const padding = PADDINGS[String(header.alg)]
  if (!padding) throw new AadstsError(50027)
  if (!verify('sha256', signed, { key: known.certificate.publicKey, ...padding }, signature))
    throw new AadstsError(7000274)
  refuseCertificateOutOfDate(known, context.nowMs)
  refuseAssertionOutOfTime(claims, context.nowMs / 1000)
  if (!isAudience(String(claims.aud), context)) throw new AadstsError(700023)
  if (claims.iss !== registration.clientId || claims.sub !== registration.clientId) throw new AadstsError(700021)
}

/** A token of an issuer that the registration trusts: issuer, subject and audience exactly as registered. */
function verifyFederatedToken(jwt: string, { federatedCredentials }: Registration, { nowMs }: AssertionContext): void {
  const { claims, signed, signature } = parsed(jwt)
  const byIssuer = federatedCredentials.filter(({ issuer }) => issuer === claims.iss)
  if (byIssuer.length === 0) throw new AadstsError(700211, { issuer: String(claims.iss) })
  const bySubject = byIssuer.filter(({ subject }) => subject === claims.sub)
  if (bySubject.length === 0) throw new AadstsError(700213, { subject: String(claims.sub) })
  const trusted = bySubject.find(({ audience }) => audience === claims.aud)
  if (!trusted) throw new AadstsError(700212, { audience: String(claims.aud) })
  if (!verify('sha256', signed, { key: trusted.publicKey, ...PADDINGS.RS256 }, signature)) throw new AadstsError(50012)
  refuseAssertionOutOfTime(claims, nowMs / 1000)
}

function parsed(jwt: string) {
  const [header = '', claims = '', signature = '', ...more] = jwt.split('.')
  if (more.length > 0) throw new AadstsError(50027)
  return {
    header: jsonOf(header),
    claims: jsonOf(claims),
    signed: Buffer.from(`${header}.${claims}`),
    signature: Buffer.from(signature, 'base64url'),
  }
}

function jsonOf(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {}
  throw new AadstsError(50027)
}

const isNamedBy = (header: Record<string, unknown>, { sha1, sha256 }: ClientCertificate) =>
  header['x5t#S256'] === sha256 || header.x5t === sha1

function refuseCertificateOutOfDate({ certificate }: ClientCertificate, nowMs: number): void {
  if (nowMs < Date.parse(certificate.validFrom) || nowMs > Date.parse(certificate.validTo))
    throw new AadstsError(1000502)
}

function refuseAssertionOutOfTime({ nbf, exp }: Record<string, unknown>, now: number): void {
  if (typeof exp !== 'number' || exp + SKEW_SECONDS < now) throw new AadstsError(700024)
  if (typeof nbf === 'number' && nbf - SKEW_SECONDS > now) throw new AadstsError(700024)
}

/** The host that was addressed; where nobody says which, ours or any of Microsoft's: MSAL does not know of the sandbox. */
function isAudience(audience: string, { tenantNames, origin, authority }: AssertionContext): boolean {
  const bases = authority ? [origin] : [origin, ...Object.values(CLOUDS).map((cloud) => `https://${cloud.authority}`)]
  return tenantNames.some((tenant) =>
    bases.some((base) => `${base}/${tenant}/oauth2/v2.0/token`.toLowerCase() === audience.toLowerCase()),
  )
}
