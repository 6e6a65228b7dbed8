import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { ApiError } from '#platform/errors/api-error.js'
import { hashOf } from '#platform/secrets/random.js'

/** Whoever is beyond these is refused by the store alone. */
const MOST_BLOCKED = 50_000

/**
 * So many in a window, by key, counted in one place for every process. A key that has used its window up is remembered
 * here until the window ends, so that refusing it costs nothing.
 */
export class RateLimit {
  readonly #blocked = new RecentlyUsed<true>(MOST_BLOCKED)

  /**
   * @param onReached told once for each key and window
   * @param onRefused told of each refusal
   */
  constructor(
    private readonly counter: RateLimiterAbstract,
    private readonly onReached: () => void = () => {},
    private readonly onRefused: () => void = () => {},
  ) {}

  /** @throws ApiError too_many_requests */
  refuseBlocked(...keys: string[]): void {
    if (this.#blocked.size === 0) return
    const wait = Math.max(...keys.map((key) => this.#blocked.getRemainingTTL(hashOf(key))))
    if (wait > 0) throw this.#refusal(wait)
  }

  /** @throws ApiError too_many_requests when this was one too many */
  async count(...keys: string[]): Promise<void> {
    this.refuseBlocked(...keys)
    const waits = await Promise.all(keys.map((key) => this.#countOne(hashOf(key))))
    if (Math.max(...waits) > 0) throw this.#refusal(Math.max(...waits))
  }

  /** Milliseconds to wait; 0 for one that was within the limit. Keys are hashed: they hold addresses. */
  async #countOne(key: string): Promise<number> {
    try {
      const { remainingPoints, msBeforeNext } = await this.counter.consume(key)
      if (remainingPoints === 0) this.#block(key, msBeforeNext)
      return 0
    } catch (reached) {
      if (!(reached instanceof RateLimiterRes)) throw reached
      this.#block(key, reached.msBeforeNext)
      return reached.msBeforeNext
    }
  }

  #block(key: string, milliseconds: number): void {
    if (milliseconds <= 0 || this.#blocked.has(key)) return
    this.#blocked.set(key, true, { ttl: milliseconds })
    this.onReached()
  }

  #refusal(milliseconds: number): ApiError {
    this.onRefused()
    return new ApiError({
      code: 'too_many_requests',
      status: 429,
      publicText: 'There were too many of these. Wait as long as Retry-After says.',
      retryAfter: Math.ceil(milliseconds / 1000),
    })
  }
}
