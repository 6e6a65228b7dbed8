import { Injectable } from '@nestjs/common'
import { DisconnectedCredentials } from '#domain/credentials/disconnected-credentials.js'
import { UserCredentials } from '#domain/credentials/user-credentials.js'
import { ConnectedAccounts } from '#domain/grants/connected-accounts.js'
import { Providers } from '#domain/providers/providers.js'
import { Database, type Tx } from '#platform/database/database.js'
import { BrokerError } from '#platform/errors/broker-error.js'
import { Log } from '#platform/observability/log.js'

/** Bounds one pass, and how many calls to providers are open at once for it. */
const PASS = 20

/**
 * Lets providers say whether accounts still work that nobody has used for a while; what they say is on the accounts' rows. An
 * account without a live grant is nobody's any more (a replayed code or refresh token ends a grant, and no more than that):
 * it is disconnected.
 */
@Injectable()
export class CheckAccounts {
  constructor(
    private readonly database: Database,
    private readonly accounts: ConnectedAccounts,
    private readonly credentials: UserCredentials,
    private readonly disconnected: DisconnectedCredentials,
    private readonly providers: Providers,
    private readonly log: Log,
  ) {}

  /** @returns how many were due; those that another process has taken are its business */
  async checkDue(): Promise<number> {
    const due = await this.credentials.claimChecks(PASS)
    await Promise.all(due.map((id) => this.#check(id)))
    return due.length
  }

  async #check(id: string): Promise<void> {
    try {
      if (await this.database.inTransaction((tx) => this.#disconnectIfNobodys(tx, id))) return
      const account = await this.credentials.findConnection(id)
      if (account) await this.providers.userAccess(account.provider).check(account)
    } catch (error) {
      // What the provider said is on the row already, and a client that listens has been told.
      if (!(error instanceof BrokerError)) this.log.failure('account.not_checked', error, { account: id })
    }
  }

  async #disconnectIfNobodys(tx: Tx, id: string): Promise<boolean> {
    await this.accounts.lock(tx, id)
    if ((await this.accounts.grantsOf(tx, id)).length > 0) return false
    return this.disconnected.disconnect(tx, id)
  }
}
