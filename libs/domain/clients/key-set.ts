import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { createLocalJWKSet, type JWK } from 'jose'
import { isStorable } from '#platform/database/is-storable.js'

/** What user tokens may be signed with when a client has a key pair. HS256 is for its secret, and never for one of these. */
export const ASYMMETRIC_ALGORITHMS = ['RS256', 'PS256', 'ES256'] as const

/** Public keys of a client (RFC 7517), of the kinds that we verify with. */
export class KeySet {
  /** jose's choice among them: by `kty`, `crv`, `kid`, `use`, `key_ops` and `alg`. */
  readonly find: ReturnType<typeof createLocalJWKSet>

  constructor(readonly keys: readonly JWK[]) {
    this.find = createLocalJWKSet({ keys: [...keys] })
  }

  /** Whether a token that names this key can be verified, as far as names say. */
  names(kid: unknown): boolean {
    return kid === undefined ? this.keys.length > 0 : this.keys.some((key) => key.kid === kid)
  }
}

/** What a client publishes: keys that are not for us are passed over (RFC 7517 section 5). Null: this is no key set. */
export function readPublishedKeySet(published: unknown): KeySet | null {
  const keys = keysOf(published)
  return keys && new KeySet(keys.map(readKey).flatMap((read) => ('key' in read ? [read.key] : [])))
}

const MOST_KEYS = 20

/** What an operator gives has to be usable as it stands. Where it is not, `problem` completes "the key set …". */
export function readGivenKeySet(given: unknown): { keys: JWK[] } | { problem: string } {
  const keys = keysOf(given)
  if (!keys) return { problem: 'must be a JWKS: {"keys": [ … ]} (RFC 7517 section 5)' }
  if (keys.length === 0 || keys.length > MOST_KEYS) return { problem: `must have 1 to ${MOST_KEYS} keys` }
  const read = keys.map(readKey)
  for (const [i, each] of read.entries())
    if ('problem' in each) return { problem: `cannot use keys[${i}]: it ${each.problem}` }
  const usable = read.flatMap((each) => ('key' in each ? [each.key] : []))
  const names = new Set(usable.map(({ kid }) => kid))
  if (usable.length > 1 && (names.size < usable.length || names.has(undefined)))
    return { problem: 'must give each key a kid of its own, because there are several' }
  return { keys: usable }
}

function keysOf(set: unknown): unknown[] | null {
  const keys = (set as { keys?: unknown } | null)?.keys
  return Array.isArray(keys) ? keys : null
}

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
/** In bytes. RSA below 2048 bits is broken one day; above 8192, and with a long exponent, one signature holds a thread. */
const [SHORTEST_MODULUS, LONGEST_MODULUS, LONGEST_EXPONENT] = [256, 1024, 8]

function readKey(given: unknown): { key: JWK } | { problem: string } {
  if (typeof given !== 'object' || given === null) return { problem: 'is not an object' }
  const jwk = given as Record<string, unknown>
  if (PRIVATE_MEMBERS.some((name) => jwk[name] !== undefined))
    return { problem: 'holds a private or secret key: give the public part only, and make a new key' }
  const problem =
    jwk.kty === 'RSA' ? rsaProblem(jwk) : jwk.kty === 'EC' ? ecProblem(jwk) : 'must be of the kty RSA or EC'
  if (problem) return { problem }
  const { kty, n, e, crv, x, y, kid, use, alg, key_ops } = jwk
  if (use !== undefined && use !== 'sig')
    return { problem: 'is not for signatures: its use must be "sig", or left out' }
  const algorithms: readonly unknown[] = kty === 'RSA' ? ['RS256', 'PS256'] : ['ES256']
  if (alg !== undefined && !algorithms.includes(alg))
    return { problem: `must have the alg ${algorithms.join(' or ')}, or none` }
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 256))
    return { problem: 'has a kid that is not a short string' }
  if (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.length === 1 && key_ops[0] === 'verify'))
    return { problem: 'must have the key_ops ["verify"], or none' }
  // A reader of base64url passes over what is none.
  if ([n, e, x, y, kid].some((each) => typeof each === 'string' && !isStorable(each)))
    return { problem: 'must not hold NUL characters or broken Unicode' }
  return { key: withoutHoles({ kty, n, e, crv, x, y, kid, use, alg, key_ops }) }
}

function rsaProblem({ kty, n, e }: Record<string, unknown>): string | null {
  const [modulus, exponent] = [lengthOf(n), lengthOf(e)]
  if (modulus < SHORTEST_MODULUS || modulus > LONGEST_MODULUS) return 'must be an RSA key of 2048 to 8192 bits'
  if (exponent < 1 || exponent > LONGEST_EXPONENT) return 'must have an RSA exponent of at most 64 bits'
  return importProblem({ kty, n, e } as JsonWebKey)
}

function ecProblem({ kty, crv, x, y }: Record<string, unknown>): string | null {
  if (crv !== 'P-256') return 'must be on the curve P-256, which is what ES256 is made with'
  return importProblem({ kty, crv, x, y } as JsonWebKey)
}

function importProblem(key: JsonWebKey): string | null {
  try {
    createPublicKey({ key, format: 'jwk' })
    return null
  } catch {
    return 'is not a valid key'
  }
}

const lengthOf = (encoded: unknown) =>
  typeof encoded === 'string' && /^[\w-]+$/.test(encoded) ? Buffer.from(encoded, 'base64url').length : 0

const withoutHoles = (key: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(key).filter(([, value]) => value !== undefined)) as unknown as JWK
