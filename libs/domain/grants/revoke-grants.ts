import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { Tx } from '#platform/database/database.js'
import { Grant } from './grant.entity.js'

/** Ends grants. Codes and tokens are asked for their grant at every use, so one update ends them everywhere at once. */
@Injectable()
export class RevokeGrants {
  constructor(private readonly clock: Clock) {}

  revokeOne(tx: Tx, grantId: string): Promise<number> {
    return tx.nativeUpdate(Grant, { id: grantId, revokedAt: null }, { revokedAt: this.clock.now() })
  }

  revokeAllOfAccount(tx: Tx, accountId: string): Promise<number> {
    return tx.nativeUpdate(Grant, { accountId, revokedAt: null }, { revokedAt: this.clock.now() })
  }

  /** The service account's own grants and every mailbox's under it. */
  revokeAllOfServiceAccount(tx: Tx, serviceAccountId: string): Promise<number> {
    return tx.nativeUpdate(Grant, { serviceAccountId, revokedAt: null }, { revokedAt: this.clock.now() })
  }
}
