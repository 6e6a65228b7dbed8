import { Injectable } from '@nestjs/common'
import { after, Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import { Doorbell } from '#platform/queues/doorbell.js'
import { LET_GO, NOTHING_HELD } from './decision-statements.js'
import { DELIVER_CALLBACK, deliveryOf, MINT_ACCESS } from './delegated-access.jobs.js'
import { SWEPT } from './delegated-access.metrics.js'
import { type Decision, SWEEP_AFTER } from './request-lifecycle.js'

/** Bounds one pass; what is left is due again at the next. */
const PASS = 1000

interface Due {
  id: string
  client_id: string
  decision: Decision
  callback_host: string
}

/** One look at one index, whatever the table's size. Values: now, next ring, rows at most. */
export const TAKE_DUE = defineStatement<Due>(
  'take-due',
  `update delegated_access_requests set ring_at = $2 where id in (
     select id from delegated_access_requests where ring_at <= $1 order by ring_at limit $3 for update skip locked
   ) returning id, client_id, decision, callback_host`,
)

/**
 * Rings for every row that should be moving and is not: lost bells, dead workers, a queue that was flushed, a job that the
 * clock of another machine has put too late.
 */
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
    await this.#letGo(now)
    const due = await this.database.run(TAKE_DUE, [now, after(now, SWEEP_AFTER), PASS])
    if (due.length === 0) return 0
    failPoint('sweep-requests.found')
    const toMint = due.filter(({ decision }) => decision === 'pending')
    const toTell = due.filter(({ decision }) => decision !== 'pending')
    // A plain ring would be ignored where a job waits for its time although its row is due.
    await this.doorbell.ringNow(
      MINT_ACCESS,
      toMint.map(({ id, client_id: clientId }) => ({ requestId: id, clientId })),
    )
    await this.doorbell.ringNow(
      DELIVER_CALLBACK,
      toTell.map(({ id, client_id: clientId, callback_host: callbackHost }) =>
        deliveryOf({ id, clientId, callbackHost }),
      ),
    )
    failPoint('sweep-requests.rung')
    SWEPT.count({}, due.length)
    this.log.info('requests.swept', { rows: due.length })
    return due.length
  }

  /** Requests whose service account has come back. As a rule there are none, and one look at an index says so. */
  async #letGo(now: Date): Promise<void> {
    const rows = await this.database.run(LET_GO, [now, PASS])
    if (rows.length > 0) this.log.info('requests.let_go', { rows: rows.length })
    else await this.database.run(NOTHING_HELD, [])
  }
}
