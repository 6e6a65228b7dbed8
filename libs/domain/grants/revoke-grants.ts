import { LockMode } from '@mikro-orm/core'
import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { Tx } from '#platform/database/database.js'
import { Grant } from './grant.entity.js'

/**
 * Ends grants of mailboxes. Codes and tokens are asked for their grant at every use, so one update ends them everywhere at
 * once. A whole service account is ended by revoke-service-accounts.
 */
@Injectable()
export class RevokeGrants {
  constructor(private readonly clock: Clock) {}

  revokeOne(tx: Tx, grantId: string): Promise<number> {
    return tx.nativeUpdate(Grant, { id: grantId, revokedAt: null }, { revokedAt: this.clock.now() })
  }

  /** Only with their account locked, by `ConnectedAccounts.lockOfUser`. */
  async revokeThese(tx: Tx, grants: readonly Grant[]): Promise<number> {
    const live = { id: { $in: grants.map(({ id }) => id) }, revokedAt: null }
    // In one order, because refreshes of several of them may be under way in one statement.
    await tx.find(Grant, live, { orderBy: { id: 'asc' }, lockMode: LockMode.PESSIMISTIC_WRITE })
    return tx.nativeUpdate(Grant, live, { revokedAt: this.clock.now() })
  }

  async revokeAllOfAccount(tx: Tx, accountId: string): Promise<number> {
    // In one order, because the end of the whole service account may want the same ones.
    await tx.execute('select from grants where account_id = ? and revoked_at is null order by id for update', [
      accountId,
    ])
    return tx.nativeUpdate(Grant, { accountId, revokedAt: null }, { revokedAt: this.clock.now() })
  }
}
