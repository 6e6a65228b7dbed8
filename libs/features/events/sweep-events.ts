import { Injectable } from '@nestjs/common'
import { after, Clock, minutes } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Doorbell } from '#platform/queues/doorbell.js'
import { TAKE_DUE_EVENTS } from './event-statements.js'
import { DELIVER_EVENT } from './events.jobs.js'

/** Bounds one pass; what is left is due again at the next. */
const PASS = 1_000
/** An event that has not moved this long after its bell is rung for again. */
const SWEEP_AFTER = minutes(1)

/** Rings for every event that is due. Whoever announces one rings no bell, so each begins here, seconds later. */
@Injectable()
export class SweepEvents {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly doorbell: Doorbell,
  ) {}

  /** How many were rung for. */
  async sweep(): Promise<number> {
    const now = this.clock.now()
    const due = await this.database.run(TAKE_DUE_EVENTS, [now, after(now, SWEEP_AFTER), PASS])
    // Of a client that takes none any more it is ended by whoever comes to deliver it.
    const bells = due.map(({ id, client_id: clientId, event_url: url }) => {
      return { eventId: id, clientId, host: URL.parse(url ?? '')?.host ?? 'nowhere' }
    })
    if (bells.length > 0) await this.doorbell.ringNow(DELIVER_EVENT, bells)
    return due.length
  }
}
