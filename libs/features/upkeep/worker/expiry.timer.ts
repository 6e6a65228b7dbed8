import { Injectable } from '@nestjs/common'
import { minutes } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { Timer } from '#platform/timers/timer.js'
import { ForgetFormerCredentials } from '../forget-former-credentials.js'
import { WarnOfExpiry } from '../warn-of-expiry.js'

const EVERY = minutes(5)

/** Every worker process looks; whoever is first warns, and the others find that it has been done. */
@Injectable()
export class ExpiryTimer extends Timer {
  constructor(
    private readonly warning: WarnOfExpiry,
    private readonly forgetting: ForgetFormerCredentials,
    log: Log,
  ) {
    super(EVERY, 'expiry.not_looked_at', log)
  }

  protected async pass() {
    await this.warning.warn()
    await this.forgetting.forget()
  }
}
