import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { Codes } from '#domain/grants/codes.js'
import type { Grant } from '#domain/grants/grant.entity.js'
import { RevokeGrants } from '#domain/grants/revoke-grants.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { conflict } from '#platform/errors/api-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { DelegatedAccessRequest } from './delegated-access-request.entity.js'
import { FindRequests } from './find-requests.js'

/** Withdraws a request that has not reached the client: no callback follows, and what it may have been granted ends. */
@Injectable()
export class CancelRequest {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly requests: FindRequests,
    private readonly codes: Codes,
    private readonly grants: RevokeGrants,
  ) {}

  /** @throws ApiError not_found; conflict once the client has been told */
  async cancel(grant: Grant, id: string): Promise<DelegatedAccessRequest> {
    await this.requests.get(grant, id)
    const cancelled = await this.database.inTransaction(async (tx) => {
      const open = { id, callback: 'waiting', decision: { $in: ['pending', 'granted'] } } as const
      const now = this.clock.now()
      const ended = {
        decision: 'cancelled',
        callback: 'abandoned',
        abandonedBecause: 'withdrawn',
        ringAt: null,
        endedAt: now,
      } as const
      if ((await tx.nativeUpdate(DelegatedAccessRequest, open, ended)) === 0) return false
      const { grantId, clientId, serviceAccountId, email } = await tx.findOneOrFail(DelegatedAccessRequest, { id })
      await this.codes.supersede(tx, id)
      // Waits for an exchange that is under way; a redeemed code means that the client knows.
      if (await this.codes.wasRedeemed(tx, id)) throw alreadyTold()
      if (grantId) await this.grants.revokeOne(tx, grantId)
      const act = { clientId, at: now, act: 'access.cancelled', serviceAccountId, mailbox: email, subject: id } as const
      await recordAct(tx, act)
      failPoint('cancel-request.committing')
      return true
    })
    const request = await this.requests.get(grant, id)
    if (!cancelled && request.decision !== 'cancelled') throw alreadyTold()
    return request
  }
}

const alreadyTold = () => conflict('The client has been told already. To end its access, revoke the token.')
