import { Injectable } from '@nestjs/common'
import { originValues } from '#domain/audit/record-act.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { REDELIVER_OF_CLIENT, REDELIVER_ONE } from './event-statements.js'

/** One call's worth: locks few rows for a short time. */
const BATCH = 500

export interface EventRedelivery {
  redelivered: number
  /** To be given with the next call, until `done`. */
  abandonedBefore: Date
  done: boolean
}

/** Tells clients once more what was abandoned, under the same `webhook-id`. */
@Injectable()
export class RedeliverEvents {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** One batch, of what was abandoned by then. */
  async redeliverSome({ client, event }: { client?: string; event?: string }, by?: Date): Promise<EventRedelivery> {
    const now = this.clock.now()
    const abandonedBefore = by ?? now
    const values = [client ?? event, abandonedBefore, now, BATCH, ...originValues()]
    const rows = await this.database.run(client ? REDELIVER_OF_CLIENT : REDELIVER_ONE, values)
    if (rows.length > 0) this.log.info('events.redelivered', { client: client ?? null, rows: rows.length })
    return { redelivered: rows.length, abandonedBefore, done: rows.length < BATCH }
  }
}
