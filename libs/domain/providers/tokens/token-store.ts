import { minutes, seconds } from '#platform/clock/clock.js'
import { Batch } from '#platform/database/batch.js'
import type { Database } from '#platform/database/database.js'
import type { Log } from '#platform/observability/log.js'
import type { Sealer, SealingPlace } from '#platform/secrets/sealer.js'
import { Secret } from '#platform/secrets/secret.js'
import { type Lane, LONGEST_WAIT, REGAINED_PER_SECOND } from './mint-budget.js'
import {
  CLAIM_TOKENS,
  type ClaimAnswer,
  DROP_TOKEN,
  SETTLE_CLAIMS,
  SWEEP_BUDGETS,
  SWEEP_TOKENS,
} from './token-statements.js'

/** Providers' tokens live for an hour; one that lives longer is minted again all the same. */
const ROW_KEPT = minutes(65)
/** From a mint's answer to its row, on a busy machine. */
const STORING = seconds(3)
/** A provider that rejects each new token at once is not asked for another one with every call. */
const NEVER_ACCEPTED_DROPPED_EVERY = seconds(10)
/** By then a rate that was halved, over and over, has risen to the most again (`REGAINED_PER_SECOND`). */
const BUDGET_KEPT = minutes(10)
const SWEPT_AT_ONCE = 5_000
const CLAIMED_AT_ONCE = { collectMs: 4, most: 500 }
const SETTLED_AT_ONCE = { collectMs: 20, most: 500 }

export interface StoredToken {
  token: string
  /** Of the claim under which it was minted: a higher one is newer. */
  fence: string
  usableMs: number
  renewMs: number
}

/** The right to mint a token, once `waitMs` have passed; a later claim has a higher fence, and ends this one. */
export interface Claim {
  fence: string
  waitMs: number
}

/** All null: somebody else is minting it. A token and a claim: it may still be used, and the next one is due. */
export interface TokenAnswer {
  token: StoredToken | null
  claim: Claim | null
  /** The budget has no place soon enough. */
  refused: { freeMs: number; spacingMs: number } | null
}

interface Settlement {
  id: string
  fence: string
  sealed: string | null
  renewMs: number | null
  usableMs: number | null
}

/** The tokens that all processes share, in one table; what many callers ask of it goes in one statement. */
export class TokenStore {
  readonly #claims: Batch<{ id: string; lane: Lane }, ClaimAnswer>
  readonly #settlements: Batch<Settlement, boolean>
  /** After it nobody holds a claim that was there before. */
  readonly longestClaimMs: number

  /** @param mintMs the longest that one call for a token may take */
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
    private readonly log: Log,
    mintMs: number,
  ) {
    const claimMs = mintMs + STORING
    this.longestClaimMs = LONGEST_WAIT + claimMs
    this.#claims = new Batch(
      (wanted) =>
        database.run(CLAIM_TOKENS, [
          wanted.map(({ id }) => id),
          wanted.map(({ lane }) => lane.name),
          wanted.map(({ lane }) => lane.most),
          LONGEST_WAIT,
          claimMs,
          ROW_KEPT,
          REGAINED_PER_SECOND,
        ]),
      CLAIMED_AT_ONCE,
    )
    this.#settlements = new Batch((ended) => this.#settle(ended), SETTLED_AT_ONCE)
  }

  async findOrClaim(id: string, lane: Lane): Promise<TokenAnswer> {
    const answer = await this.#claims.add({ id, lane })
    const { fence, wait_ms: waitMs, free_ms: freeMs, spacing_ms: spacingMs } = answer
    return {
      token: await this.#opened(id, answer),
      claim: fence === null ? null : { fence, waitMs: waitMs ?? 0 },
      refused: freeMs === null ? null : { freeMs, spacingMs: spacingMs ?? 0 },
    }
  }

  /** Ends the claim. False: it had ended before, and whoever has the next one is not overwritten. */
  async put(id: string, { token, fence, usableMs, renewMs }: StoredToken): Promise<boolean> {
    const sealed = await this.sealer.seal(new Secret(token), placeOf(id))
    return this.#settlements.add({ id, fence, sealed, renewMs, usableMs })
  }

  /** Ends the claim without a token: the next caller may try. */
  async release(id: string, fence: string): Promise<void> {
    await this.#settlements.add({ id, fence, sealed: null, renewMs: null, usableMs: null })
  }

  /**
   * Nobody is given this very token any more.
   * @param accepted by the provider, at least once: without it, this has no effect where it was done again and again
   */
  async drop(id: string, fence: string, accepted: boolean): Promise<void> {
    await this.database.run(DROP_TOKEN, [id, fence, accepted, NEVER_ACCEPTED_DROPPED_EVERY])
  }

  /** Rows that are past use, so many at a time. @returns how many of tokens and of budgets */
  async sweep(): Promise<number> {
    const tokens = await this.database.run(SWEEP_TOKENS, [SWEPT_AT_ONCE])
    const budgets = await this.database.run(SWEEP_BUDGETS, [BUDGET_KEPT, SWEPT_AT_ONCE])
    return tokens.length + budgets.length
  }

  /** What does not open, because its key is gone or somebody has been at it, is dropped and minted again. */
  async #opened(id: string, { sealed_token: sealed, token_fence: fence, usable_ms, renew_ms }: ClaimAnswer) {
    if (sealed === null || fence === null) return null
    try {
      const token = (await this.sealer.open(sealed, placeOf(id))).reveal()
      return { token, fence, usableMs: usable_ms ?? 0, renewMs: renew_ms ?? 0 }
    } catch (error) {
      this.log.failure('provider_token.not_opened', error)
      await this.drop(id, fence, true)
      return null
    }
  }

  async #settle(ended: Settlement[]): Promise<boolean[]> {
    const answers = await this.database.run(SETTLE_CLAIMS, [
      ended.map(({ id }) => id),
      ended.map(({ fence }) => fence),
      ended.map(({ sealed }) => sealed),
      ended.map(({ renewMs }) => renewMs),
      ended.map(({ usableMs }) => usableMs),
      ROW_KEPT,
    ])
    return answers.map(({ settled }) => settled)
  }
}

/** A token serves every client whose service account acts with the same credential, so it is the installation's own. */
const placeOf = (id: string): SealingPlace => ({
  table: 'provider_tokens',
  column: 'sealed_token',
  row: id,
  client: 'operator',
})
