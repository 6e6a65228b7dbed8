import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { ShowServiceAccount } from './show-service-account.js'

/** Goes back to what a service account acted with before its last consent. It is probed at once. */
@Injectable()
export class RollBackServiceAccountCredential {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly serviceAccounts: ServiceAccounts,
    private readonly show: ShowServiceAccount,
    private readonly log: Log,
  ) {}

  /** Once more undoes it. @throws ApiError not_found; conflict when there is nothing to go back to */
  async rollBack(id: string): Promise<ServiceAccount> {
    await this.database.inTransaction(async (tx) => {
      const { clientId } = await this.serviceAccounts.rollBackCredential(tx, id)
      const act = 'service_account.credential_rolled_back'
      await recordAct(tx, { clientId, at: this.clock.now(), act, serviceAccountId: id, subject: id })
    })
    this.log.info('service_account.credential_rolled_back', { service_account: id })
    return this.show.show(id)
  }
}
