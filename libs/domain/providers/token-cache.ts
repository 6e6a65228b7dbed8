import { LRUCache } from 'lru-cache'
import { type Clock, minutes } from '#platform/clock/clock.js'
import { ProviderError } from '#platform/errors/provider-error.js'

export interface MintedToken {
  token: string
  lifetimeMs: number
}

const TOKENS_KEPT = 10_000
/** A token is not handed out in its last minutes, so that whoever gets one can finish what it is for. */
const SPENT_EARLY_MS = minutes(5)

/** Provider access tokens, in memory only. The key must name everything the token depends on. */
export class TokenCache {
  readonly #tokens: LRUCache<string, string>
  readonly #minting = new Map<string, Promise<string>>()

  constructor(clock: Clock) {
    this.#tokens = new LRUCache({ max: TOKENS_KEPT, ttlResolution: 0, perf: { now: () => clock.now().getTime() } })
  }

  /** One upstream call however many ask at once: neither MSAL nor google-auth-library sees to that. */
  async get(key: string, mint: () => Promise<MintedToken>): Promise<string> {
    return this.#tokens.get(key) ?? this.#minting.get(key) ?? this.#mint(key, mint)
  }

  /** Uses a token; when the provider rejects it, once more with a fresh one (a kept token may have been revoked). */
  async use<T>(key: string, mint: () => Promise<MintedToken>, call: (token: string) => Promise<T>): Promise<T> {
    const token = await this.get(key, mint)
    try {
      return await call(token)
    } catch (error) {
      if (!(error instanceof ProviderError) || error.code !== 'provider.token_rejected') throw error
      if (this.#tokens.get(key) === token) this.#tokens.delete(key)
      return call(await this.get(key, mint))
    }
  }

  #mint(key: string, mint: () => Promise<MintedToken>): Promise<string> {
    const minting = mint()
      .then(({ token, lifetimeMs }) => {
        const ttl = lifetimeMs - SPENT_EARLY_MS
        if (ttl > 0) this.#tokens.set(key, token, { ttl })
        return token
      })
      .finally(() => this.#minting.delete(key))
    this.#minting.set(key, minting)
    return minting
  }
}
