import { Injectable } from '@nestjs/common'
import { ProviderTokens } from '#domain/providers/tokens/provider-tokens.js'
import { seconds } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { Timer } from '#platform/timers/timer.js'
import { SweepRequests } from '../sweep-requests.js'

const EVERY = seconds(5)

/** Every worker process sweeps; rows are taken with `skip locked`, so they share the work. */
@Injectable()
export class SweepTimer extends Timer {
  constructor(
    private readonly requests: SweepRequests,
    private readonly tokens: ProviderTokens,
    log: Log,
  ) {
    super(EVERY, 'sweep.failed', log)
  }

  protected async pass() {
    await this.requests.sweep()
    await this.tokens.sweep()
  }
}
