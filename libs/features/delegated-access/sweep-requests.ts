import { Injectable } from '@nestjs/common'
import { after, Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import { Doorbell } from '#platform/queues/doorbell.js'
import { DELIVER_CALLBACK, MINT_ACCESS } from './delegated-access.jobs.js'
import { type Decision, SWEEP_AFTER } from './request-lifecycle.js'

/** Bounds one pass; what is left is due again at the next. */
const PASS = 1000

/** Rings for every row that should be moving and is not: lost bells, dead workers, a queue that was flushed. */
@Injectable()
export class SweepRequests {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly doorbell: Doorbell,
    private readonly log: Log,
  ) {}

  /** How many rows were rung for. Rows that another sweeper holds are its business. */
  async sweep(): Promise<number> {
    const now = this.clock.now()
    const due = await this.database.read((em) =>
      em.execute<{ id: string; decision: Decision; attempts: number }[]>(
        `update delegated_access_requests set ring_at = ? where id in (
           select id from delegated_access_requests where ring_at <= ? order by ring_at limit ? for update skip locked
         ) returning id, decision, attempts`,
        [after(now, SWEEP_AFTER), now, PASS],
      ),
    )
    if (due.length === 0) return 0
    failPoint('sweep-requests.found')
    const bells = (pending: boolean) =>
      due.filter(({ decision }) => (decision === 'pending') === pending).map(({ id }) => ({ requestId: id }))
    await this.doorbell.ring(MINT_ACCESS, bells(true))
    await this.doorbell.ring(DELIVER_CALLBACK, bells(false))
    // A retry has a job that waits for its time; where the row is due and the job is not, a plain ring is ignored.
    const retries = due.filter(({ decision, attempts }) => decision !== 'pending' && attempts > 0)
    for (const { id } of retries) await this.doorbell.ringNow(DELIVER_CALLBACK, { requestId: id })
    failPoint('sweep-requests.rung')
    this.log.info('requests.swept', { rows: due.length })
    return due.length
  }
}
