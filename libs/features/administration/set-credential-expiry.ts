import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { ShowServiceAccount } from './show-service-account.js'

/** Says when an organisation's own credential expires: of a secret nobody but its administrator knows. */
@Injectable()
export class SetCredentialExpiry {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly serviceAccounts: ServiceAccounts,
    private readonly show: ShowServiceAccount,
    private readonly log: Log,
  ) {}

  /** Warnings begin anew. @throws ApiError not_found; conflict where it acts with the operator's; ValidationError on `credential_expires_at` */
  async set(id: string, expiresAt: Date | null): Promise<ServiceAccount> {
    await this.database.inTransaction(async (tx) => {
      const { clientId } = await this.serviceAccounts.setCredentialExpiry(tx, id, expiresAt)
      await recordAct(tx, {
        ...{ clientId, at: this.clock.now(), act: 'service_account.expiry_set', serviceAccountId: id, subject: id },
        details: { expires_at: expiresAt?.toISOString() ?? null },
      })
    })
    this.log.info('service_account.expiry_set', { service_account: id, until: expiresAt?.toISOString() ?? null })
    return this.show.show(id)
  }
}
