import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { hours } from '#platform/clock/clock.js'
import { hashOf } from '#platform/secrets/random.js'
import type { RateLimit } from './rate-limit.js'

/** Somebody presents something secret. */
export interface Attempt {
  /** Who says so, from where. */
  address: string
  /** As whom; empty where nobody is named. */
  name: string
  /** What they present, as it came. */
  secret: string
}

/**
 * Limits wrong secrets, from one address under one name and from one address in all. What has proven right here lately is let
 * through all the same: wrong secrets from an address that many share, such as a proxy's, lock nobody out.
 */
export class FailureLimit {
  readonly #proven = new RecentlyUsed<true>(10_000, { ttl: hours(1) })

  constructor(
    private readonly byName: RateLimit,
    private readonly byAddress: RateLimit,
  ) {}

  /** Before the secret is looked at. @throws ApiError too_many_requests */
  admit(attempt: Attempt): void {
    if (!this.#proven.has(fingerprint(attempt))) this.#refuseHeld(attempt)
  }

  succeeded(attempt: Attempt): void {
    this.#proven.set(fingerprint(attempt), true)
  }

  /** @throws ApiError too_many_requests when this was one too many */
  async failed(attempt: Attempt): Promise<void> {
    this.#refuseHeld(attempt)
    await Promise.all([this.byName.count(nameAt(attempt)), this.byAddress.count(attempt.address)])
  }

  #refuseHeld(attempt: Attempt): void {
    this.byName.refuseBlocked(nameAt(attempt))
    this.byAddress.refuseBlocked(attempt.address)
  }
}

const nameAt = ({ address, name }: Attempt) => `${address}\n${name}`
const fingerprint = ({ name, secret }: Attempt) => hashOf(`${name}\n${secret}`)
