import { setTimeout as pause } from 'node:timers/promises'
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common'
import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { after, Clock, minutes, seconds } from '#platform/clock/clock.js'
import type { ProviderSettings } from '#platform/config/settings.js'
import { PROVIDER_SETTINGS } from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { Log } from '#platform/observability/log.js'
import { RandomSource } from '#platform/secrets/random.js'
import { Sealer } from '#platform/secrets/sealer.js'
import { isThrottled, MintBudget } from './mint-budget.js'
import { type Claim, type StoredToken, TokenStore } from './token-store.js'
import { idOf, type Mint, type MintedToken, type UseToken, type WantedToken } from './wanted-token.js'

const TOKENS_KEPT = 10_000
/** A token is not handed out in its last minutes, so that whoever gets one can finish what it is for. */
const SPENT_EARLY = minutes(5)
/** From somewhere here in its useful life on, the next one is minted while this one goes on being used. */
const RENEWED = { from: 0.75, to: 0.95 }
/** By then a renewal that is under way in another process has been stored. */
const RENEWAL_TAKES = seconds(5)
const FIRST_LOOK_MS = 50
const LONGEST_LOOK_MS = 1_000

interface KeptToken {
  token: string
  fence: string
  renewAt: number
  /** Earlier than the provider says. */
  usableUntil: Date
  /** The provider has taken it from us once. */
  accepted: boolean
  /** Resolved when the row has been written: what is not there yet cannot be dropped. */
  written: Promise<void>
}

const WRITTEN = Promise.resolve()

/**
 * Provider access tokens: from memory, else from the table that all processes share, else from the provider. However
 * many ask at once and wherever, one of them calls the provider, and the others look until its token is there. Should it
 * die meanwhile, its claim ends, and one of them is next.
 */
@Injectable()
export class ProviderTokens implements BeforeApplicationShutdown {
  readonly #kept: RecentlyUsed<KeptToken>
  readonly #flights = new Map<string, Promise<KeptToken>>()
  readonly #background = new Set<Promise<void>>()
  readonly #store: TokenStore
  readonly #budget: MintBudget

  constructor(
    database: Database,
    sealer: Sealer,
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly log: Log,
    @Inject(PROVIDER_SETTINGS) { timeoutMs, mintsPerSecond }: ProviderSettings,
  ) {
    this.#kept = new RecentlyUsed(TOKENS_KEPT, { ttlResolution: 0, perf: { now: () => clock.now().getTime() } })
    this.#store = new TokenStore(database, sealer, log, timeoutMs)
    this.#budget = new MintBudget(database, clock, random, mintsPerSecond)
  }

  /**
   * Uses a token. When the provider rejects it, it is dropped for every process, and the call is made once more with
   * another; a second rejection is believed.
   * @throws ProviderError also `provider.throttled` with the time to come back, where the budget has no place for a mint
   */
  async use<T>(wanted: WantedToken, call: UseToken<T>): Promise<T> {
    const id = idOf(wanted)
    const first = await this.#get(id, wanted)
    try {
      return await this.#try(first, call)
    } catch (error) {
      if (!(error instanceof ProviderError) || error.code !== 'provider.token_rejected') throw error
      await this.#drop(id, first)
      const second = await this.#get(id, wanted)
      if (second.fence === first.fence) throw error
      return this.#try(second, call)
    }
  }

  /**
   * A new token, past all that is kept: for a live check, which asks whether there is one. It takes its place like any other.
   * @throws ProviderError also `provider.throttled`, as {@link use}
   */
  async mintAnew(mint: Mint): Promise<MintedToken> {
    await this.#budget.takePlace(mint)
    return this.#askProvider(mint)
  }

  /** Deletes rows that are past use, of tokens and of budgets, so many at a time. @returns how many */
  sweep(): Promise<number> {
    return this.#store.sweep()
  }

  /** A claim that is left open would hold up the other processes until it ends by itself. */
  async beforeApplicationShutdown() {
    while (this.#background.size > 0) await Promise.all(this.#background)
  }

  async #try<T>(kept: KeptToken, call: UseToken<T>): Promise<T> {
    const result = await call(kept.token, kept.usableUntil)
    kept.accepted = true
    return result
  }

  async #get(id: string, wanted: WantedToken): Promise<KeptToken> {
    const kept = this.#kept.get(id)
    if (!kept) return this.#fly(id, wanted)
    if (kept.renewAt <= this.clock.now().getTime()) this.#inBackground(this.#fly(id, wanted))
    return kept
  }

  /** In this process one at a time, for each urgency: a person does not wait in the lane of the jobs. */
  #fly(id: string, wanted: WantedToken): Promise<KeptToken> {
    const flight = `${id} ${wanted.urgency}`
    const flying = this.#flights.get(flight) ?? this.#obtain(id, wanted).finally(() => this.#flights.delete(flight))
    this.#flights.set(flight, flying)
    return flying
  }

  async #obtain(id: string, wanted: WantedToken): Promise<KeptToken> {
    const lane = this.#budget.laneOf(wanted)
    const givesUpAt = performance.now() + this.#store.longestClaimMs + 2 * LONGEST_LOOK_MS
    for (let look = FIRST_LOOK_MS; performance.now() < givesUpAt; look = Math.min(look * 1.5, LONGEST_LOOK_MS)) {
      const { token, claim, refused } = await this.#store.findOrClaim(id, lane)
      if (token && claim) this.#inBackground(this.#mint(id, wanted, claim))
      if (token) return this.#keep(id, token)
      if (claim) return this.#mint(id, wanted, claim)
      if (refused) throw this.#budget.comeBack(wanted, refused)
      await pause(look * (1 + this.random.integer(250) / 1000))
    }
    throw this.#budget.comeBack(wanted, { freeMs: LONGEST_LOOK_MS, spacingMs: 0 })
  }

  async #mint(id: string, wanted: WantedToken, { fence, waitMs }: Claim): Promise<KeptToken> {
    try {
      await this.#budget.waitForPlace(wanted, waitMs)
      const { token, lifetimeMs } = await this.#askProvider(wanted)
      const usableMs = lifetimeMs - SPENT_EARLY
      const jitter = (RENEWED.to - RENEWED.from) * (this.random.integer(1000) / 1000)
      const minted = { token, fence, usableMs, renewMs: usableMs * (RENEWED.from + jitter) }
      if (usableMs > 0) return this.#keep(id, minted, this.#inBackground(this.#write(id, minted)))
      this.#inBackground(this.#store.release(id, fence))
      const usableUntil = after(this.clock.now(), lifetimeMs)
      return { token, fence, renewAt: 0, usableUntil, accepted: false, written: WRITTEN }
    } catch (error) {
      this.#inBackground(this.#store.release(id, fence))
      throw error
    }
  }

  async #askProvider(wanted: Mint): Promise<MintedToken> {
    const begun = performance.now()
    try {
      return await wanted.mint()
    } catch (error) {
      if (isThrottled(error)) this.#inBackground(this.#budget.slowDown(wanted, error, performance.now() - begun))
      throw error
    }
  }

  #keep(id: string, { token, fence, usableMs, renewMs }: StoredToken, written = WRITTEN): KeptToken {
    const now = this.clock.now()
    const renewAt = now.getTime() + Math.max(renewMs, RENEWAL_TAKES)
    const kept = { token, fence, renewAt, usableUntil: after(now, usableMs), accepted: false, written }
    this.#kept.set(id, kept, { ttl: usableMs })
    return kept
  }

  /** Whoever claimed it later has a newer one. */
  async #write(id: string, minted: StoredToken): Promise<void> {
    if (!(await this.#store.put(id, minted))) this.#forget(id, minted.fence)
  }

  async #drop(id: string, { fence, accepted, written }: KeptToken): Promise<void> {
    this.#forget(id, fence)
    await written
    await this.#store.drop(id, fence, accepted)
  }

  #forget(id: string, fence: string): void {
    if (this.#kept.peek(id)?.fence === fence) this.#kept.delete(id)
  }

  /** Nobody waits for it: what has failed is tried again by the next caller. */
  #inBackground(work: Promise<unknown>): Promise<void> {
    const done = work
      .then(
        () => {},
        (error) => this.log.failure('provider_token.not_settled', error),
      )
      .finally(() => this.#background.delete(done))
    this.#background.add(done)
    return done
  }
}
