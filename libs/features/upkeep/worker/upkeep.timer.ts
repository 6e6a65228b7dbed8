import { Injectable } from '@nestjs/common'
import { seconds } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { Timer } from '#platform/timers/timer.js'
import { ProbeServiceAccounts } from '../probe-service-accounts.js'

const EVERY = seconds(2)

/** Every worker process keeps up service accounts; what is due is claimed with `skip locked`, so they share the work. */
@Injectable()
export class UpkeepTimer extends Timer {
  constructor(
    private readonly probes: ProbeServiceAccounts,
    log: Log,
  ) {
    super(EVERY, 'upkeep.failed', log)
  }

  protected async pass() {
    await this.probes.probeDue()
  }
}
