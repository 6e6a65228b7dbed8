import { verify } from 'node:crypto'
import { LIFETIME_SECONDS, maySignIn } from './access-tokens.js'
import { refusal } from './errors.js'
import { domainOf, type GoogleWorld, type ServiceAccount } from './google-world.js'
import type { User } from './organisation.js'
import { isKnownScope, parseScopes } from './scopes.js'

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** What the token endpoint has been called over the years; libraries still sign for all of them. */
const AUDIENCES = new Set([
  'https://oauth2.googleapis.com/token',
  'https://www.googleapis.com/oauth2/v4/token',
  'https://accounts.google.com/o/oauth2/token',
])

const TOLERANCE_SECONDS = 300
const LONGEST_SECONDS = 65 * 60

export interface Assertion {
  algorithm: unknown
  claims: { iss?: string; sub?: string; scope?: string; aud?: string; iat?: number; exp?: number }
  signed: Buffer
  signature: Buffer
}

export interface TokenAnswer {
  access_token: string
  expires_in: number
  token_type: 'Bearer'
}

/** RFC 7523 section 2.1 as Google does it: the checks, in Google's order; the first that fails is the answer. */
export function jwtBearerGrant(world: GoogleWorld, origin: string, assertion: string | undefined): TokenAnswer {
  if (!assertion) throw refusal('oauth.assertion_missing')
  const jwt = decodeAssertion(assertion)
  if (jwt?.algorithm !== 'RS256') throw refusal('google.grant_rejected/malformed')
  const { claims } = jwt
  const account = world.serviceAccounts.get(claims.iss ?? '')
  if (!account) throw refusal('google.credential_unknown_issuer')
  if (account.disabled) throw refusal('google.credential_disabled')
  refuseForgery(jwt, account)
  refuseUntimely(claims, world.clock.nowMs() / 1000)
  if (!AUDIENCES.has(claims.aud ?? '') && claims.aud !== `${origin}/token`)
    throw refusal('google.grant_rejected/audience')
  const scopes = parseScopes(claims.scope ?? '')
  if (scopes.size === 0 || ![...scopes].every(isKnownScope)) throw refusal('google.scope_invalid')
  const subject = claims.sub === undefined ? account : delegatedSubject(world, account, claims.sub, scopes)
  const token = world.tokens.issue({ subject, clientId: account.clientId, scopes, consent: null })
  return { access_token: token, expires_in: LIFETIME_SECONDS, token_type: 'Bearer' }
}

/** Null when it is not a JWT. No `typ` or `kid` is needed: Google's own library sends neither. */
export function decodeAssertion(assertion: string): Assertion | null {
  const [header, payload, signature, ...rest] = assertion.split('.')
  if (!header || !payload || !signature || rest.length > 0) return null
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString())
    if (!wellFormed(claims)) return null
    return {
      algorithm: alg,
      claims,
      signed: Buffer.from(`${header}.${payload}`),
      signature: Buffer.from(signature, 'base64url'),
    }
  } catch {
    return null
  }
}

const wellFormed = (claims: unknown): claims is Assertion['claims'] =>
  typeof claims === 'object' &&
  claims !== null &&
  Object.entries(claims).every(
    ([name, value]) => !['iss', 'sub', 'scope', 'aud'].includes(name) || typeof value === 'string',
  )

function refuseForgery({ signed, signature }: Assertion, account: ServiceAccount): void {
  const genuine = account.keys.some(
    ({ publicKey, disabled }) => !disabled && verify('RSA-SHA256', signed, publicKey, signature),
  )
  if (!genuine) throw refusal('google.credential_key_invalid')
}

function refuseUntimely({ iat, exp }: Assertion['claims'], now: number): void {
  const timely =
    typeof iat === 'number' &&
    typeof exp === 'number' &&
    exp > iat &&
    exp - iat <= LONGEST_SECONDS &&
    exp > now - TOLERANCE_SECONDS &&
    iat < now + TOLERANCE_SECONDS
  if (!timely) throw refusal('google.clock_skew')
}

/** The administrator's say comes before the question whether there is such a person: nobody can probe for addresses. */
function delegatedSubject(
  world: GoogleWorld,
  account: ServiceAccount,
  address: string,
  scopes: ReadonlySet<string>,
): User {
  if (!/^[^@\s]+@[^@\s]+$/.test(address)) throw refusal('google.subject_malformed')
  const organisation = world.findOrganisation(domainOf(address))
  if (organisation?.blockedClientIds.has(account.clientId)) throw refusal('google.admin_policy_blocked')
  const delegation = organisation?.delegations.get(account.clientId)
  const delegated =
    delegation && delegation.effectiveAtMs <= world.clock.nowMs()
      ? [...scopes].filter((scope) => delegation.scopes.has(scope)).length
      : 0
  if (delegated === 0) throw refusal('google.delegation_missing')
  if (delegated < scopes.size) throw refusal('google.delegation_scope_missing')
  const user = world.findUser(address)
  if (user?.deletedAt) throw refusal('google.subject_deleted')
  if (!user || !maySignIn(user)) throw refusal('google.subject_not_found')
  return user
}
