import { Injectable } from '@nestjs/common'
import { DisconnectedCredentials } from '#domain/credentials/disconnected-credentials.js'
import { seconds } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { Timer } from '#platform/timers/timer.js'
import { CheckAccounts } from '../check-accounts.js'
import { TakeBackConsent } from '../take-back-consent.js'

const EVERY = seconds(5)
/** Bounds one pass, and how many calls to providers are open at once for it. */
const TAKEN_BACK_AT_ONCE = 20

/** Every worker process looks after connected accounts; what is due is claimed, so they share the work. */
@Injectable()
export class ConnectedAccountsTimer extends Timer {
  constructor(
    private readonly checks: CheckAccounts,
    private readonly disconnected: DisconnectedCredentials,
    private readonly takeBackConsent: TakeBackConsent,
    log: Log,
  ) {
    super(EVERY, 'connected_accounts.failed', log)
  }

  protected async pass() {
    await Promise.all([this.checks.checkDue(), this.#takeBackDue()])
  }

  async #takeBackDue() {
    const due = await this.disconnected.findToTakeBack(TAKEN_BACK_AT_ONCE)
    await Promise.all(due.map((id) => this.takeBackConsent.takeBack(id)))
  }
}
