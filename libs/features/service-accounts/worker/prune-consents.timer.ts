import { Injectable } from '@nestjs/common'
import { minutes } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { Timer } from '#platform/timers/timer.js'
import { PruneConsents } from '../prune-consents.js'

/** For so long, at most, a credential that was left behind outlives its visit. */
const EVERY = minutes(1)

@Injectable()
export class PruneConsentsTimer extends Timer {
  constructor(
    private readonly consents: PruneConsents,
    log: Log,
  ) {
    super(EVERY, 'consents.pruning_failed', log)
  }

  protected pass(stopping: AbortSignal) {
    return this.consents.prune(stopping)
  }
}
