import { createHash, randomBytes } from 'node:crypto'
import type { ShiftableClock } from '../core/shiftable-clock.js'
import type { User } from './organisation.js'

const CODE_LIFETIME_MS = 10 * 60 * 1000

/** What one person has allowed one OAuth client. Revoking it ends every token that came from it. */
export interface UserConsent {
  readonly user: User
  readonly clientId: string
  readonly scopes: Set<string>
  revoked: boolean
}

export interface AuthorizationCode {
  readonly consent: UserConsent
  readonly clientId: string
  readonly redirectUri: string
  readonly scopes: ReadonlySet<string>
  readonly nonce: string | null
  readonly codeChallenge: string | null
  readonly withRefreshToken: boolean
  readonly expiresAtMs: number
}

interface RefreshToken {
  readonly consent: UserConsent
  readonly scopes: ReadonlySet<string>
}

/** Consents of people, and the codes and refresh tokens that hang on them. */
export class UserConsents {
  #consents = new Map<string, UserConsent>()
  #codes = new Map<string, AuthorizationCode>()
  #refreshTokens = new Map<string, RefreshToken>()

  constructor(private readonly clock: ShiftableClock) {}

  find(user: User, clientId: string): UserConsent | null {
    const found = this.#consents.get(`${clientId} ${user.id}`)
    return found && !found.revoked ? found : null
  }

  /** Adds to what was allowed before, as Google does with `include_granted_scopes`. */
  allow(user: User, clientId: string, scopes: Iterable<string>): UserConsent {
    const consent = this.find(user, clientId) ?? { user, clientId, scopes: new Set<string>(), revoked: false }
    for (const scope of scopes) consent.scopes.add(scope)
    this.#consents.set(`${clientId} ${user.id}`, consent)
    return consent
  }

  ofUser(user: User): UserConsent[] {
    return [...this.#consents.values()].filter((consent) => consent.user === user && !consent.revoked)
  }

  issueCode(facts: Omit<AuthorizationCode, 'expiresAtMs'>): string {
    const code = `4/0A${randomBytes(36).toString('base64url')}`
    this.#codes.set(code, { ...facts, expiresAtMs: this.clock.nowMs() + CODE_LIFETIME_MS })
    return code
  }

  /** `used` also stands for expired: Google says "Bad Request" for both. A code works once, right or wrong. */
  takeCode(code: string): AuthorizationCode | 'unknown' | 'used' {
    if (!code.startsWith('4/0A')) return 'unknown'
    const found = this.#codes.get(code)
    this.#codes.delete(code)
    return found && found.expiresAtMs > this.clock.nowMs() ? found : 'used'
  }

  issueRefreshToken(consent: UserConsent, scopes: ReadonlySet<string>): string {
    const token = `1//0${randomBytes(48).toString('base64url')}`
    this.#refreshTokens.set(token, { consent, scopes })
    return token
  }

  findRefreshToken(token: string): RefreshToken | null {
    const found = this.#refreshTokens.get(token)
    return found && !found.consent.revoked ? found : null
  }
}

/** RFC 7636 section 4.6. */
export function verifierMatches(challenge: string | null, verifier: string | undefined): boolean {
  if (challenge === null) return verifier === undefined
  return verifier !== undefined && createHash('sha256').update(verifier).digest('base64url') === challenge
}
