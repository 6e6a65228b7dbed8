import { Injectable } from '@nestjs/common'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import type { AuditEvent } from './audit-event.js'
import { type AuditHead, HEAD_COLUMNS } from './audit-head.js'
import { earliestMonthOf, type Month, NO_MONTH } from './audit-months.js'
import { EVENT_COLUMNS } from './canonical-form.js'

/** What is left out is not asked for. */
export interface EventFilter {
  clientIds?: string[]
  serviceAccountIds?: string[]
  mailbox?: string
  /** From then on … */
  from?: Date
  /** … and before then. */
  until?: Date
}

/** A place in all chains, one after the other. */
export interface EventPosition {
  clientId: string
  sequence: number
}

/** A row gets its place in the order in which rows are written, so long after its act at most: no transaction takes longer. */
const OUT_OF_ORDER = `interval '1 hour'`

/**
 * Rows of some chains, or of some service accounts in theirs. Each is followed from the first place that can lie in the
 * period to the last, and both are one look at an index of each month: what is before, behind or another service
 * account's is not read, nor any month that was over when the period began.
 * Values: clients, service accounts, from, until, the place to go on behind (client, sequence), rows at most, the first
 * month that a row of the period can lie in, and the first that one behind it can.
 */
const following = (sources: string, ofSource: string) => `select ${EVENT_COLUMNS}
  from (select * from (${sources}) s where $5::text is null or chain >= $5 order by chain) source
  cross join lateral (
    select greatest(
        -9223372036854775807,
        case when chain = $5 then $6::bigint else 0 end,
        (select p.sequence from audit_events p where p.client_id = chain and p.month >= $8::date
           and p.at < $3::timestamptz - ${OUT_OF_ORDER}
         order by p.at desc, p.sequence desc limit 1)
      ) as before_first,
      coalesce((
        select p.sequence from audit_events p where p.client_id = chain and p.month >= $9::date
          and p.at >= $4::timestamptz + ${OUT_OF_ORDER}
        order by p.at, p.sequence limit 1
      ), 9223372036854775807) as behind_last
  ) places
  cross join lateral (
    select * from audit_events e
    where e.client_id = chain and e.month >= $8::date and ${ofSource} and e.sequence > before_first and e.sequence < behind_last
      and ($3::timestamptz is null or e.at >= $3) and ($4::timestamptz is null or e.at < $4)
    order by e.sequence limit $7
  ) event
  order by event.client_id, event.sequence limit $7`

// Without names: a plan that is made for one question would be kept for all the others.
const FIND_EVENTS = {
  ofChains: defineStatement<AuditEvent>(
    '',
    following(
      'select client_id as chain from audit_heads where $1::text[] is null or client_id = any($1)',
      '$2::text[] is null',
    ),
  ),
  ofServiceAccounts: defineStatement<AuditEvent>(
    '',
    following(
      `select client_id as chain, id as account from service_accounts
       where id = any($2::text[]) and ($1::text[] is null or client_id = any($1))`,
      'e.service_account_id = account',
    ),
  ),
  /** One mailbox has few rows: all of them are looked at, and no chain is followed to find them. The mailbox is the last value. */
  ofMailbox: defineStatement<AuditEvent>(
    '',
    `with event as materialized (
       select * from audit_events
       where mailbox = $9 and month >= $8::date and ($1::text[] is null or client_id = any($1))
         and ($2::text[] is null or service_account_id = any($2))
         and ($3::timestamptz is null or at >= $3) and ($4::timestamptz is null or at < $4)
         and ($5::text is null or (client_id, sequence) > ($5, $6::bigint))
     )
     select ${EVENT_COLUMNS} from event order by event.client_id, event.sequence limit $7`,
  ),
}

/** Values: the month, the chain, the place to go on behind, rows at most. */
const FIND_OF_MONTH = defineStatement<AuditEvent>(
  '',
  `select ${EVENT_COLUMNS} from audit_events where month = $1 and client_id = $2 and sequence > $3
   order by audit_events.sequence limit $4`,
)

interface EventPageAsked {
  after?: EventPosition
  limit: number
}

/** Which of the statements, and its values. */
export function asking(filter: EventFilter, { after, limit }: EventPageAsked) {
  const { clientIds = null, serviceAccountIds = null, mailbox, from = null, until = null } = filter
  const place = [after?.clientId ?? null, after?.sequence ?? null]
  const [first, behind] = [from, until].map((time) => (time ? earliestMonthOf(time) : NO_MONTH))
  const values = [clientIds, serviceAccountIds, from, until, ...place, limit, first]
  if (mailbox) return { statement: FIND_EVENTS.ofMailbox, values: [...values, mailbox] }
  const statement = serviceAccountIds ? FIND_EVENTS.ofServiceAccounts : FIND_EVENTS.ofChains
  return { statement, values: [...values, behind] }
}

/** Values: clients. */
const FIND_HEADS = defineStatement<AuditHead>(
  'find-audit-heads',
  `select ${HEAD_COLUMNS} from audit_heads where $1::text[] is null or client_id = any($1) order by client_id`,
)

/** Reads chains, by client and in their order. Who wants what happened this second lets the chains catch up first. */
@Injectable()
export class FindEvents {
  constructor(private readonly database: Database) {}

  /** A page of rows; it costs what it shows, and a look at each month, however long the chains are. */
  find(filter: EventFilter, page: EventPageAsked): Promise<AuditEvent[]> {
    const { statement, values } = asking(filter, page)
    return this.database.run(statement, values)
  }

  /** What of a chain leaves with a month, whenever it was done. */
  findOfMonth(month: Month, { clientId, sequence }: EventPosition, limit: number): Promise<AuditEvent[]> {
    return this.database.run(FIND_OF_MONTH, [month, clientId, sequence, limit])
  }

  /** As they are signed at this moment; of these clients, or of all. */
  heads(clientIds?: string[]): Promise<AuditHead[]> {
    return this.database.run(FIND_HEADS, [clientIds ?? null])
  }
}
