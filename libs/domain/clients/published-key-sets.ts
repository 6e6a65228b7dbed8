import { Injectable } from '@nestjs/common'
import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { Clock, hours, minutes, seconds } from '#platform/clock/clock.js'
import { allowUrl } from '#platform/egress/allowed-url.js'
import { EgressClient } from '#platform/egress/egress-client.js'
import { EgressPolicy } from '#platform/egress/egress-policy.js'
import { unavailable } from '#platform/errors/api-error.js'
import { BrokerError } from '#platform/errors/broker-error.js'
import { Log } from '#platform/observability/log.js'
import { type KeySet, readPublishedKeySet } from './key-set.js'

/** So long a set is taken as it is, and a key that its client has withdrawn still verifies. */
export const FRESH_FOR = minutes(10)
/** So long it serves while its host does not answer. */
export const KEPT_FOR = hours(1)
/** A token costs its sender nothing, so what it makes us fetch is bounded: one call for each URL in this time. */
export const COOLDOWN = seconds(30)

const FETCH_TIMEOUT = seconds(5)
const MOST_BYTES = 64 * 1024
const MOST_KEPT = 1_000

interface Held {
  set: KeySet | null
  fetchedAt: number
  triedAt: number
  fetching: Promise<void> | null
}

/** The key sets that clients publish (`jwks_uri`), as they were a short while ago. */
@Injectable()
export class PublishedKeySets {
  readonly #held = new RecentlyUsed<Held>(MOST_KEPT)

  constructor(
    private readonly egress: EgressClient,
    private readonly policy: EgressPolicy,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * Fetched anew when it is old, or does not name the key, and the last call is long enough ago; many who ask at once wait
   * for one call.
   * @param kid the key that is looked for; undefined: any
   * @returns the set, which may still not name the key
   * @throws ApiError unavailable when there is none that is new enough
   */
  async find(url: string, kid: unknown, clientId: string): Promise<KeySet> {
    const held = this.#held.get(url) ?? { set: null, fetchedAt: 0, triedAt: 0, fetching: null }
    this.#held.set(url, held)
    if (this.#age(held) > FRESH_FOR || !held.set?.names(kid)) await this.#refresh(url, held, clientId)
    if (held.set && this.#age(held) <= KEPT_FOR) return held.set
    throw unavailable(
      'The keys that this client publishes (its jwks_uri) cannot be fetched just now; the log of Mandate says why.',
      COOLDOWN / 1000,
    )
  }

  #age({ fetchedAt }: Held): number {
    return this.clock.now().getTime() - fetchedAt
  }

  async #refresh(url: string, held: Held, clientId: string): Promise<void> {
    const now = this.clock.now().getTime()
    if (!held.fetching && now - held.triedAt >= COOLDOWN) {
      held.triedAt = now
      held.fetching = this.#ask(url, held, clientId).finally(() => {
        held.fetching = null
      })
    }
    await held.fetching
  }

  async #ask(url: string, held: Held, clientId: string): Promise<void> {
    try {
      const { status, body } = await this.egress.get(allowUrl(url, this.policy), {
        headers: { accept: 'application/jwk-set+json, application/json' },
        mostBytes: MOST_BYTES,
        totalTimeoutMs: FETCH_TIMEOUT,
      })
      const set = status === 200 ? readPublishedKeySet(parsed(body)) : null
      if (!set)
        throw new Error(status === 200 ? 'it answered with something that is no JWKS' : `it answered with ${status}`)
      held.set = set
      held.fetchedAt = this.clock.now().getTime()
    } catch (error) {
      const why = error instanceof BrokerError ? error.publicText : (error as Error).message
      this.log.warn('user_token.keys_not_fetched', { client: clientId, host: URL.parse(url)?.host, why })
    }
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}
