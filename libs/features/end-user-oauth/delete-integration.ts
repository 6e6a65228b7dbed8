import { Injectable } from '@nestjs/common'
import type { CallerUser } from '#domain/clients/verify-user-token.js'
import { ConnectedAccounts } from '#domain/grants/connected-accounts.js'
import { Clock } from '#platform/clock/clock.js'
import { Database, type Tx } from '#platform/database/database.js'
import { DisconnectAccount, type Disconnected } from './disconnect-account.js'
import { FindIntegrations, type FoundIntegration } from './find-integrations.js'
import { Integration } from './integration.entity.js'

/** The record goes, and with the last one the access that it stood for: both or neither. */
@Injectable()
export class DeleteIntegration {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly accounts: ConnectedAccounts,
    private readonly findIntegrations: FindIntegrations,
    private readonly disconnectAccount: DisconnectAccount,
  ) {}

  /** @throws ApiError not_found */
  async delete(user: CallerUser, id: string): Promise<void> {
    const found = await this.findIntegrations.get(user, id)
    const deleted = await this.database.inTransaction((tx) => this.#delete(tx, user, found))
    // It is gone, or stands on something else since it was read.
    if (deleted === 'changed') return this.delete(user, id)
    if (deleted) await this.disconnectAccount.afterCommit(deleted)
  }

  /** Under the lock of its account, which whoever connects it waits for too, so only one can be the last. */
  async #delete(tx: Tx, user: CallerUser, found: FoundIntegration): Promise<Disconnected | 'changed' | null> {
    const { id, grantId, isOwnRecord } = found
    if (grantId) await this.accounts.lockOfGrant(tx, grantId)
    if (isOwnRecord) {
      const asRead = { id, ...user, grantId, deletedAt: null }
      if ((await tx.nativeUpdate(Integration, asRead, { deletedAt: this.clock.now() })) === 0) return 'changed'
    }
    if (!grantId || (await tx.count(Integration, { grantId, deletedAt: null })) > 0) return null
    return this.disconnectAccount.end(tx, user, { grantId })
  }
}
