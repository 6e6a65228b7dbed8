import { Inject, Injectable } from '@nestjs/common'
import { Clock, hours, minutes } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { Log } from '#platform/observability/log.js'
import { QUEUE_BACKEND, type QueueBackend } from '#platform/queues/queue-backend.js'
import { Timer } from '#platform/timers/timer.js'

const EVERY = minutes(1)
const AT_ONCE = 1_000
/** A process whose own clock is wrong still finds the windows that it has opened. */
const KEPT = hours(3)

/** Values: epoch in milliseconds, rows at most. */
const PRUNE = defineStatement<{ key: string }>(
  'prune-rate-limits',
  `delete from rate_limits where key = any(array(
     select key from rate_limits where expire <= $1 order by expire limit $2 for update skip locked
   )) returning key`,
)

/** Windows that are over, of callers who do not come back. In Redis they expire by themselves. */
@Injectable()
export class PruneRateLimitsTimer extends Timer {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    @Inject(QUEUE_BACKEND) private readonly queues: QueueBackend,
    log: Log,
  ) {
    super(EVERY, 'rate_limits.pruning_failed', log)
  }

  async pass(stopping: AbortSignal) {
    if (this.queues.kind === 'redis') return
    const before = this.clock.now().getTime() - KEPT
    for (let rows = AT_ONCE; rows === AT_ONCE && !stopping.aborted; )
      rows = (await this.database.run(PRUNE, [before, AT_ONCE])).length
  }
}
