import { Injectable } from '@nestjs/common'
import { ChainArrivals } from '#domain/audit/chain-arrivals.js'
import { seconds } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { Timer } from '#platform/timers/timer.js'

/** For so long, at most, an act is on record and not yet in a chain. */
const EVERY = seconds(1)

/** Every worker process chains; per client one of them does at a time. */
@Injectable()
export class ChainArrivalsTimer extends Timer {
  #signaturesRenewed = false

  constructor(
    private readonly arrivals: ChainArrivals,
    log: Log,
  ) {
    super(EVERY, 'audit.chaining_failed', log)
  }

  protected async pass(stopping: AbortSignal) {
    // Keys change with a start, and only then.
    if (!this.#signaturesRenewed) await this.arrivals.renewSignatures()
    this.#signaturesRenewed = true
    await this.arrivals.chain(stopping)
  }
}
