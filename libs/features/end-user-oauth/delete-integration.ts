import { Injectable } from '@nestjs/common'
import type { CallerUser } from '#domain/clients/verify-user-token.js'
import { Clock } from '#platform/clock/clock.js'
import { Database, type Tx } from '#platform/database/database.js'
import { DisconnectAccount } from './disconnect-account.js'
import { FindIntegrations } from './find-integrations.js'
import { Integration } from './integration.entity.js'

/** The record goes, and with the last one the access that it stood for. */
@Injectable()
export class DeleteIntegration {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly integrations: FindIntegrations,
    private readonly disconnectAccount: DisconnectAccount,
  ) {}

  /** @throws ApiError not_found */
  async delete(user: CallerUser, id: string): Promise<void> {
    const { grantId, status } = await this.integrations.get(user, id)
    const standsOnIt = await this.database.inTransaction(async (tx) => {
      await tx.nativeUpdate(Integration, { id, ...user, deletedAt: null }, { deletedAt: this.clock.now() })
      return grantId !== null && (await this.#othersOn(tx, grantId)) === 0 && status !== 'disconnected'
    })
    if (grantId !== null && standsOnIt) await this.disconnectAccount.disconnect(user, { grantId })
  }

  #othersOn(tx: Tx, grantId: string): Promise<number> {
    return tx.count(Integration, { grantId, deletedAt: null })
  }
}
