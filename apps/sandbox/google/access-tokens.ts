import { randomBytes } from 'node:crypto'
import type { ShiftableClock } from '../core/shiftable-clock.js'
import type { ServiceAccount } from './google-world.js'
import type { User } from './organisation.js'
import type { UserConsent } from './user-consents.js'

/** A little less than an hour, as Google says it. */
export const LIFETIME_SECONDS = 3599

/** Beyond this the oldest is forgotten and answers 401: an hour of a benchmark's tokens would be a gigabyte. */
const CAPACITY = 200_000

/** A workload of another platform, vouched for by a workload identity pool. */
interface FederatedIdentity {
  /** `principal://…`, where others have an address. */
  readonly email: string
  readonly clientId: string
}

export interface AccessToken {
  /** Whom it acts as. */
  readonly subject: User | ServiceAccount | FederatedIdentity
  /** The service account's or OAuth client's id. */
  readonly clientId: string
  readonly scopes: ReadonlySet<string>
  readonly expiresAtMs: number
  /** The person's consent that it hangs on; null when an administrator delegated. */
  readonly consent: UserConsent | null
}

export class AccessTokens {
  #live = new Map<string, AccessToken>()

  constructor(private readonly clock: ShiftableClock) {}

  issue(facts: Omit<AccessToken, 'expiresAtMs'>): string {
    const token = `ya29.${randomBytes(48).toString('base64url')}`
    this.#live.set(token, { ...facts, expiresAtMs: this.clock.nowMs() + LIFETIME_SECONDS * 1000 })
    // A map remembers the order of insertion, so its first key is the oldest token.
    if (this.#live.size > CAPACITY) this.#live.delete(this.#live.keys().next().value ?? '')
    return token
  }

  /** Null when unknown, expired, revoked, or when the person it acts as may not sign in any more. */
  find(token: string): AccessToken | null {
    const found = this.#live.get(token)
    if (!found || found.expiresAtMs <= this.clock.nowMs() || found.consent?.revoked) return null
    return 'organisation' in found.subject && !maySignIn(found.subject) ? null : found
  }

  /** False when there was nothing left to revoke. */
  revoke(token: string): boolean {
    const found = this.find(token)
    if (!found) return false
    if (found.consent) found.consent.revoked = true
    return this.#live.delete(token)
  }
}

export const maySignIn = (user: User) => !user.suspended && !user.archived && user.deletedAt === null

/** `Authorization: Bearer …`, or null. */
export const bearerOf = (authorization: string | undefined) => /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null
