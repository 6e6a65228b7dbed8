import { after, type Clock, minutes } from '#platform/clock/clock.js'
import type { RetentionSettings } from '#platform/config/settings.js'
import type { Database } from '#platform/database/database.js'
import type { Log } from '#platform/observability/log.js'
import { Timer } from '#platform/timers/timer.js'
import { BEHIND, DELETED_ROWS } from './retention.metrics.js'
import type { RetentionRule } from './retention-rule.js'

const EVERY = minutes(1)
/** Bounds one transaction: some tens of milliseconds, and locks that nobody waits for. */
const BATCH = 1_000
/** Bounds one pass, so that a year's worth which has become too old at once does not crowd out the work of today. */
const BATCHES = 20

/** Deletes what is past its age, a batch at a time. The audit is never among it. */
export class RetentionTimer extends Timer {
  constructor(
    private readonly rules: readonly RetentionRule[],
    private readonly keep: RetentionSettings,
    private readonly database: Database,
    private readonly clock: Clock,
    log: Log,
  ) {
    super(EVERY, 'retention.failed', log)
  }

  /** A rule that fails keeps none of the others from its turn. */
  async pass(stopping: AbortSignal): Promise<void> {
    const failed: unknown[] = []
    for (const rule of this.rules) await this.#apply(rule, stopping).catch((error) => failed.push(error))
    if (failed.length > 0) throw failed[0]
  }

  async #apply({ what, age, statement }: RetentionRule, stopping: AbortSignal): Promise<void> {
    const before = after(this.clock.now(), -(typeof age === 'number' ? age : this.keep[age]))
    let [rows, deleted] = [BATCH, 0]
    for (let batch = 0; batch < BATCHES && rows === BATCH && !stopping.aborted; batch++) {
      const [done] = await this.database.run(statement, [before, BATCH])
      rows = done?.rows ?? 0
      deleted += rows
      DELETED_ROWS.count({ what }, rows)
    }
    BEHIND.set({ what }, rows === BATCH ? 1 : 0)
    if (deleted > 0) this.log.info('retention.deleted', { name: what, rows: deleted, finished: rows < BATCH })
  }
}
