import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { Codes } from '#domain/grants/codes.js'
import type { Grant } from '#domain/grants/grant.entity.js'
import { after, Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { conflict } from '#platform/errors/api-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Doorbell } from '#platform/queues/doorbell.js'
import { DELIVER_CALLBACK, deliveryOf } from './delegated-access.jobs.js'
import { DelegatedAccessRequest } from './delegated-access-request.entity.js'
import { FindRequests } from './find-requests.js'
import { SWEEP_AFTER } from './request-lifecycle.js'

/** Tells the client once more, by hand: the same message id, a fresh code. What is left of the schedule follows if that fails. */
@Injectable()
export class RedeliverCallback {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly requests: FindRequests,
    private readonly codes: Codes,
    private readonly doorbell: Doorbell,
  ) {}

  /** @throws ApiError not_found; conflict while undecided, cancelled, exchanged, or being delivered at this moment */
  async redeliver(grant: Grant, id: string): Promise<DelegatedAccessRequest> {
    const request = await this.requests.get(grant, id)
    if (request.decision === 'pending')
      throw conflict('The provider has not answered yet: there is nothing to deliver.')
    if (request.decision === 'cancelled') throw conflict('This request was cancelled.')
    if (await this.database.read((em) => this.codes.wasRedeemed(em, id)))
      throw conflict('The code of this request has been exchanged already.')
    const now = this.clock.now()
    const idle = { id, decision: request.decision, $or: [{ leaseUntil: null }, { leaseUntil: { $lt: now } }] }
    const again = {
      callback: 'waiting',
      abandonedBecause: null,
      leaseUntil: null,
      nextAttemptAt: null,
      redeliveredAt: now,
      endedAt: null,
      ringAt: after(now, SWEEP_AFTER),
    } as const
    await this.database.inTransaction(async (tx) => {
      const moved = await tx.nativeUpdate(DelegatedAccessRequest, idle, again)
      if (moved === 0) throw conflict('A delivery is under way at this moment.')
      const { clientId, serviceAccountId, email: mailbox } = request
      await recordAct(tx, { clientId, at: now, act: 'access.redelivered', serviceAccountId, mailbox, subject: id })
    })
    failPoint('redeliver-callback.committed')
    await this.doorbell.ringNow(DELIVER_CALLBACK, [deliveryOf(request)])
    return this.requests.get(grant, id)
  }
}
