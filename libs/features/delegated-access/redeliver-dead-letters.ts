import { Injectable } from '@nestjs/common'
import { originValues } from '#domain/audit/record-act.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { type DeadLetterScope, REDELIVER_DEAD_LETTERS } from './dead-letter-statements.js'

/** One call's worth: locks few rows for a short time. */
const BATCH = 500

export interface Redelivery {
  redelivered: number
  /** To be given with the next call, until `done`. */
  abandonedBefore: Date
  done: boolean
}

/** Tells clients once more what was abandoned, after the operator or the receiver has mended what was wrong. */
@Injectable()
export class RedeliverDeadLetters {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** One batch. A request that is abandoned again meanwhile is not taken up again. */
  async redeliverSome(scope: DeadLetterScope, of: string, abandonedBefore?: Date): Promise<Redelivery> {
    const now = this.clock.now()
    const before = abandonedBefore ?? now
    const rows = await this.database.run(REDELIVER_DEAD_LETTERS[scope], [of, before, now, BATCH, ...originValues()])
    if (rows.length > 0) this.log.info('requests.redelivered', { scope, of, rows: rows.length })
    return { redelivered: rows.length, abandonedBefore: before, done: rows.length < BATCH }
  }
}
