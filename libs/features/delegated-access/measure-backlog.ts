import { Injectable } from '@nestjs/common'
import { CallbackHost } from '#domain/deliveries/callback-host.entity.js'
import { MEASURE_UNTOLD_EVENTS } from '#domain/events/measure-untold-events.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'

export interface Backlog {
  undecided: number
  undelivered: number
  oldestUndeliveredSeconds: number | null
  untoldEvents: number
  oldestUntoldEventSeconds: number | null
  /** How long the most overdue row of either has waited for its bell: above a minute nobody sweeps, or nobody keeps up. */
  overdueSeconds: number
  /** Hosts that fail, by what their breaker does. */
  breakers: { closed: number; open: number; halfOpen: number }
  failingHosts: CallbackHost[]
}

/** Counting goes no further: what is told by then is that it is far too many. */
const COUNTED = 100_000

/** Reads unfinished rows alone, those that are due first: as many as the backlog, however many are done. */
const MEASURE = defineStatement<{ undecided: number; undelivered: number; oldest: Date | null; due: Date | null }>(
  'measure-backlog',
  `select count(*) filter (where decision = 'pending')::int as undecided,
     count(*) filter (where decision <> 'pending')::int as undelivered, min(created_at) as oldest, min(ring_at) as due
   from (select decision, created_at, ring_at from delegated_access_requests
     where ring_at is not null order by ring_at limit ${COUNTED}) as unfinished`,
)
const MOST_HOSTS = 100

/** Values: now. */
const COUNT_BREAKERS = defineStatement<{ closed: number; open: number; half_open: number }>(
  'count-breakers',
  `select count(*) filter (where open_until is null)::int as closed,
     count(*) filter (where open_until > $1)::int as open, count(*) filter (where open_until <= $1)::int as half_open
   from (select open_until from callback_hosts limit ${COUNTED}) as failing`,
)

/** How far behind Mandate is, and for whom it waits. */
@Injectable()
export class MeasureBacklog {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async measure(): Promise<Backlog> {
    const asked = this.clock.now()
    const [requests, events, breakers, failingHosts] = await Promise.all([
      this.database.run(MEASURE, []),
      this.database.run(MEASURE_UNTOLD_EVENTS, []),
      this.database.run(COUNT_BREAKERS, [asked]),
      this.database.read((em) => em.find(CallbackHost, {}, { orderBy: { failingSince: 'asc' }, limit: MOST_HOSTS })),
    ])
    const now = this.clock.now().getTime()
    const secondsSince = (time: Date) => Math.max(0, Math.round((now - time.getTime()) / 1000))
    const { closed = 0, open = 0, half_open: halfOpen = 0 } = breakers[0] ?? {}
    const { undecided = 0, undelivered = 0, oldest = null, due = null } = requests[0] ?? {}
    const { untold = 0, oldest: oldestEvent = null, due: eventDue = null } = events[0] ?? {}
    return {
      undecided,
      undelivered,
      oldestUndeliveredSeconds: oldest && secondsSince(oldest),
      untoldEvents: untold,
      oldestUntoldEventSeconds: oldestEvent && secondsSince(oldestEvent),
      overdueSeconds: Math.max(due ? secondsSince(due) : 0, eventDue ? secondsSince(eventDue) : 0),
      breakers: { closed, open, halfOpen },
      failingHosts,
    }
  }
}
