import { setTimeout as pause } from 'node:timers/promises'
import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { type Clock, minutes, seconds } from '#platform/clock/clock.js'
import type { Database } from '#platform/database/database.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import type { RandomSource } from '#platform/secrets/random.js'
import { PROVIDER_ERRORS, providerError } from '../provider-errors.js'
import { SLOW_DOWN, TAKE_PLACE } from './token-statements.js'
import type { BudgetedCall, Urgency } from './wanted-token.js'

/** Nobody waits longer for a place: a job comes back, and gives its slot to one that need not wait. */
export const LONGEST_WAIT = seconds(3)
/** Of the most that a lane may have; what was halved is regained in a minute. */
export const REGAINED_PER_SECOND = 1 / 120
const LEAST_PER_SECOND = 1
/** Each has a lane of its own, so that neither can hold up the other. */
const SHARE: Record<Urgency, number> = { bulk: 0.8, interactive: 0.2 }
/** Where a provider says "slow down" and no time. */
const PAUSE = seconds(1)
const LONGEST_PAUSE = minutes(60)
const LONGEST_AWAY = minutes(10)
/** One burst of refusals takes a while to be written down, by several processes. */
const SAME_BURST = seconds(1)
const LANES_KEPT = 10_000

export interface Lane {
  name: string
  /** Calls a second, of all processes together. */
  most: number
}

/**
 * How fast tokens may be asked for with one credential. The rate is kept by all processes in one row for each lane
 * (`CLAIM_TOKENS`); here is what one process says to it, and to those who have to wait.
 */
export class MintBudget {
  /** When whoever was sent away last is to come back, and when a closed lane opens. */
  readonly #returns = new RecentlyUsed<number>(LANES_KEPT)
  readonly #closedUntil = new RecentlyUsed<number>(LANES_KEPT)

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly mintsPerSecond: number,
  ) {}

  laneOf(wanted: BudgetedCall): Lane {
    const { urgency } = wanted
    return { name: `${budgetOf(wanted)} ${urgency}`, most: this.mintsPerSecond * SHARE[urgency] }
  }

  /** Everybody who is sent away gets a time of their own, one spacing after the last, so that they do not return together. */
  comeBack(wanted: BudgetedCall, { freeMs, spacingMs }: { freeMs: number; spacingMs: number }): ProviderError {
    const lane = this.laneOf(wanted).name
    const now = this.clock.now().getTime()
    const at = Math.max(now + freeMs, this.#returns.get(lane) ?? 0) + spacingMs
    const wait = Math.min(at - now, Math.max(freeMs, LONGEST_AWAY))
    this.#returns.set(lane, now + wait)
    return providerError(wanted.provider, 'provider.throttled', PROVIDER_ERRORS['provider.throttled'], {
      detail: 'the budget of this credential is used up',
      retryAfter: Math.ceil(wait / 1000),
    })
  }

  /** For a call that is not a claimed token's. @throws ProviderError when there is no place soon enough */
  async takePlace(wanted: BudgetedCall): Promise<void> {
    const { name, most } = this.laneOf(wanted)
    const [place] = await this.database.run(TAKE_PLACE, [name, most, LONGEST_WAIT, REGAINED_PER_SECOND])
    const { wait_ms: waitMs, free_ms: freeMs, spacing_ms: spacingMs } = place!
    if (waitMs === null) throw this.comeBack(wanted, { freeMs, spacingMs })
    await this.waitForPlace(wanted, waitMs)
  }

  /** @throws ProviderError when the provider has asked us to slow down meanwhile */
  async waitForPlace(wanted: BudgetedCall, waitMs: number): Promise<void> {
    if (waitMs >= 1) await pause(waitMs)
    const closedMs = (this.#closedUntil.get(budgetOf(wanted)) ?? 0) - this.clock.now().getTime()
    if (closedMs > 0) throw this.comeBack(wanted, { freeMs: closedMs, spacingMs: 0 })
  }

  /**
   * The provider said 429 to a call of this budget: half as fast from now on, in every lane, and nothing until the time
   * it named; a little later even, because others were told the same.
   */
  async slowDown(wanted: BudgetedCall, refusal: ProviderError, sinceMs: number): Promise<void> {
    const asked = typeof refusal.retry === 'object' ? seconds(refusal.retry.after) : PAUSE
    const closedMs = Math.min(asked, LONGEST_PAUSE) * (1 + this.random.integer(100) / 1000)
    this.#closedUntil.set(budgetOf(wanted), this.clock.now().getTime() + closedMs)
    const lanes = (['bulk', 'interactive'] as const).map((urgency) => this.laneOf({ ...wanted, urgency }))
    const values = [lanes.map(({ name }) => name), lanes.map(({ most }) => most)]
    await this.database.run(SLOW_DOWN, [
      ...values,
      sinceMs + SAME_BURST,
      closedMs,
      REGAINED_PER_SECOND,
      LEAST_PER_SECOND,
    ])
  }
}

const budgetOf = ({ provider, budget }: Pick<BudgetedCall, 'provider' | 'budget'>) => `${provider} ${budget}`

export const isThrottled = (error: unknown): error is ProviderError =>
  error instanceof ProviderError && error.code === 'provider.throttled'
