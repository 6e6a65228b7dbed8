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
}

/**
 * Verifies a certificate assertion (RFC 7523 section 2.2) against the registration's certificates.
 * Order: well-formed, certificate known, signature, certificate's own dates, times, audience, issuer and subject.
 * @throws AadstsError
 */
export function verifyClientAssertion(jwt: string, registration: Registration, context: AssertionContext): void {
  const { header, claims, signed, signature } = parsed(jwt)
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

/** Ours, or Microsoft's own: a client whose transport was redirected does not know that it is talking to a sandbox. */
function isAudience(audience: string, { tenantNames, origin }: AssertionContext): boolean {
  const bases = [origin, ...Object.values(CLOUDS).map(({ authority }) => `https://${authority}`)]
  return tenantNames.some((tenant) =>
    bases.some((base) => `${base}/${tenant}/oauth2/v2.0/token`.toLowerCase() === audience.toLowerCase()),
  )
}
