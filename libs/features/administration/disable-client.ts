import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import type { Client } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { RevokeServiceAccounts } from '#domain/grants/revoke-service-accounts.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'

export interface DisabledClient {
  client: Client
  revoked: Awaited<ReturnType<RevokeServiceAccounts['revokeAllOfClient']>>
}

/** Shuts a client out, and ends everything that organisations have granted it. */
@Injectable()
export class DisableClient {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly clients: Clients,
    private readonly serviceAccounts: RevokeServiceAccounts,
    private readonly log: Log,
  ) {}

  /** A second time finishes what the first may have left, and changes nothing else. @throws ApiError not_found */
  async disable(id: string): Promise<DisabledClient> {
    const client = await this.database.inTransaction(async (tx) => {
      const { disabledAt } = await this.clients.get(tx, id)
      if (!disabledAt) await recordAct(tx, { clientId: id, at: this.clock.now(), act: 'client.disabled', subject: id })
      return this.clients.disable(tx, id)
    })
    // From here on nothing of it works; what follows says so in every row.
    const revoked = await this.serviceAccounts.revokeAllOfClient(id)
    this.log.info('client.disabled', { client: id, ...revoked })
    return { client, revoked }
  }
}
