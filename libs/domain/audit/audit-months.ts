import { Injectable } from '@nestjs/common'
import { after, Clock, days, hours } from '#platform/clock/clock.js'
import { Database, type Em } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { Log } from '#platform/observability/log.js'

/** Its first day, in UTC: a row of the audit lies in the month in which it got its place. */
export type Month = `${string}-01`

/** Before all of them. */
export const NO_MONTH = '-infinity'

export const monthOf = (at: Date): Month => `${at.toISOString().slice(0, 7)}-01`

/** Where an act of this time can lie at the earliest: in its own month, if all clocks agree. They do to the hour. */
export const earliestMonthOf = (at: Date): Month => monthOf(after(at, -hours(1)))

export const monthAfter = (month: Month): Month => monthOf(after(new Date(month), days(31)))

/** Every month has a table of its own. */
export const tableOf = (month: Month) => `audit_events_${month.slice(0, 7).replace('-', '_')}`

export interface StoredMonth {
  month: Month
  bytes: number
}

/** A row of a chain: the last one in a month. */
export interface ChainEnd {
  client_id: string
  sequence: number
  hash: string
}

const STORED = defineStatement<StoredMonth>(
  'stored-audit-months',
  `select replace(right(c.relname, 7), '_', '-') || '-01' as month, pg_total_relation_size(c.oid)::float8 as bytes
   from pg_inherits i join pg_class c on c.oid = i.inhrelid
   where i.inhparent = 'audit_events'::regclass and c.relname ~ '^audit_events_\\d{4}_\\d\\d$' order by 1`,
)

/** The months of the audit: made before they begin, and known by what is in them. */
@Injectable()
export class AuditMonths {
  #asked: string | undefined

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * Makes this month and the two that follow where they are not there: asked for by whoever chains, once an hour in each
   * process. Should it fail, those that are there do for as long as they last, and then what arrives waits.
   */
  async make(): Promise<void> {
    const now = this.clock.now()
    const hour = now.toISOString().slice(0, 13)
    if (this.#asked === hour) return
    this.#asked = hour
    try {
      await this.database.read((em) => em.execute('select make_audit_months(?)', [monthOf(now)]))
    } catch (error) {
      this.log.failure('audit.months_not_made', error)
    }
  }

  /** The oldest first. */
  stored(): Promise<StoredMonth[]> {
    return this.database.run(STORED, [])
  }

  /** How many there are after this one. */
  async ahead(): Promise<number> {
    const present = monthOf(this.clock.now())
    return (await this.stored()).filter(({ month }) => month > present).length
  }

  /** The last row of each chain in a month; two looks at its index for each. */
  endsIn(em: Em, month: Month): Promise<ChainEnd[]> {
    return em.execute<ChainEnd[]>(
      `with recursive present as (
         select min(client_id) as client_id from audit_events where month = ?
         union all
         select (select min(e.client_id) from audit_events e where e.month = ? and e.client_id > p.client_id)
         from present p where p.client_id is not null
       )
       select client_id, last.sequence::float8 as sequence, last.hash from present
       cross join lateral (
         select e.sequence, e.hash from audit_events e where e.month = ? and e.client_id = present.client_id
         order by e.sequence desc limit 1
       ) last order by client_id`,
      [month, month, month],
    )
  }
}
