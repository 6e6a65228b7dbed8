import pg from 'pg'
import { seconds } from '#platform/clock/clock.js'
import type { Secret } from '#platform/secrets/secret.js'
import type { Statement } from './statement.js'

/** A table that grows by a thousand rows a second is still read in a few milliseconds by a plan that was made when it was empty. */
const PLANS_KEPT = seconds(10)

/**
 * Sessions for statements over many rows. Planning is a third of what such a statement costs where batches are small, so each is
 * planned once for any number of rows, under its name, and not for each batch. But not for long: while a table is small the
 * best plan reads all of it, and tables grow.
 */
export class PlannedSessions {
  readonly #sessions: pg.Pool
  readonly #plannedSince = new WeakMap<pg.PoolClient, number>()

  /** @param now in milliseconds, from any beginning */
  constructor(
    databaseUrl: Secret<string>,
    private readonly now = () => performance.now(),
  ) {
    this.#sessions = new pg.Pool({
      connectionString: databaseUrl.reveal(),
      max: 10,
      onConnect: async (session) => void (await session.query('set plan_cache_mode = force_generic_plan')),
    })
    // Whoever waits for an answer is told by that.
    this.#sessions.on('error', () => {})
    this.#sessions.on('connect', (session) => session.on('error', () => {}))
  }

  async query<Row>({ name, text }: Statement<Row>, values: readonly unknown[]): Promise<Row[]> {
    const session = await this.#sessions.connect()
    try {
      await this.#forgetOldPlans(session)
      const { rows } = await session.query({ name, text, values: [...values], types: pg.types })
      session.release()
      return rows
    } catch (error) {
      // It may be broken: the next one gets another.
      session.release(true)
      throw error
    }
  }

  async #forgetOldPlans(session: pg.PoolClient): Promise<void> {
    const now = this.now()
    const since = this.#plannedSince.get(session) ?? now
    const isOld = now - since >= PLANS_KEPT
    if (isOld) await session.query('discard plans')
    this.#plannedSince.set(session, isOld ? now : since)
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#sessions.end()
  }
}
