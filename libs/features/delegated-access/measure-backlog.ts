import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { CallbackHost } from './callback-host.entity.js'

export interface Backlog {
  undecided: number
  undelivered: number
  oldestUndeliveredSeconds: number | null
  /** How long the most overdue row has waited for its bell: above a minute nobody sweeps, or nobody keeps up. */
  overdueSeconds: number
  failingHosts: CallbackHost[]
}

/** Reads unfinished rows alone: as many as the backlog, however many are done. */
const MEASURE = defineStatement<{ undecided: number; undelivered: number; oldest: Date | null; due: Date | null }>(
  'measure-backlog',
  `select count(*) filter (where decision = 'pending')::int as undecided,
     count(*) filter (where decision <> 'pending')::int as undelivered, min(created_at) as oldest, min(ring_at) as due
   from delegated_access_requests where ring_at is not null`,
)
const MOST_HOSTS = 100

/** How far behind Mandate is, and for whom it waits. */
@Injectable()
export class MeasureBacklog {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async measure(): Promise<Backlog> {
    const [rows, failingHosts] = await Promise.all([
      this.database.run(MEASURE, []),
      this.database.read((em) => em.find(CallbackHost, {}, { orderBy: { failingSince: 'asc' }, limit: MOST_HOSTS })),
    ])
    const now = this.clock.now().getTime()
    const secondsSince = (time: Date) => Math.max(0, Math.round((now - time.getTime()) / 1000))
    const { undecided = 0, undelivered = 0, oldest = null, due = null } = rows[0] ?? {}
    return {
      undecided,
      undelivered,
      oldestUndeliveredSeconds: oldest && secondsSince(oldest),
      overdueSeconds: due ? secondsSince(due) : 0,
      failingHosts,
    }
  }
}
