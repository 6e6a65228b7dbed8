import { Injectable } from '@nestjs/common'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'

/** A client that could read a mailbox in a period, by one grant. */
export interface Reader {
  client_id: string
  client_name: string
  /** Null where the mailbox's owner has connected it; so is the organisation's name. */
  service_account_id: string | null
  organisation_name: string | null
  grant_id: string
  scope: string[]
  granted_at: Date
  /** Of the grant, its service account or its client, whichever came first; null while it lasts. */
  ended_at: Date | null
  /** Nobody can read before the first token: null when there was none in or before the period. */
  first_token_at: Date | null
  /** New tokens in the period. */
  refreshes: number
  /** Reads on record in the period: the first in each hour and process. */
  reads: number
  last_read_at: Date | null
}

/** Newest grants first; a mailbox that is granted more often than this has its older grants in the export. */
const MOST = 1_000

/**
 * One look at the mailbox's own part of the index, whatever the length of the chains.
 * Values: mailbox, begin of the period, its end, most rows.
 */
const FIND_READERS = defineStatement<Reader>(
  'find-readers',
  `with granted as (
     select client_id, service_account_id, subject as grant_id, at as granted_at from audit_events
     where mailbox = $1 and act in ('mint.granted', 'account.connected') and at < $3
   ), alive as (
     select granted.*, c.name as client_name, s.organisation_name, g.scope,
       least(g.revoked_at, s.revoked_at, c.disabled_at) as ended_at
     from granted
     join grants g on g.id = granted.grant_id
     left join service_accounts s on s.id = granted.service_account_id
     join clients c on c.id = granted.client_id
     where coalesce(least(g.revoked_at, s.revoked_at, c.disabled_at), 'infinity') > $2
   ), used as (
     select subject as grant_id,
       min(at) filter (where act = 'code.exchanged') as first_token_at,
       count(*) filter (where act = 'token.refreshed' and at >= $2)::int as refreshes,
       count(*) filter (where act = 'mailbox.read' and at >= $2)::int as reads,
       max(at) filter (where act = 'mailbox.read' and at >= $2) as last_read_at
     from audit_events
     where mailbox = $1 and at < $3
       and (act = 'code.exchanged' or (act in ('token.refreshed', 'mailbox.read') and at >= $2))
     group by subject
   )
   select client_id, client_name, service_account_id, organisation_name, grant_id, scope, granted_at, ended_at,
     first_token_at, coalesce(refreshes, 0) as refreshes, coalesce(reads, 0) as reads, last_read_at
   from alive left join used using (grant_id)
   order by granted_at desc limit $4`,
)

/** Who could read a mailbox, and who did. */
@Injectable()
export class FindReaders {
  constructor(private readonly database: Database) {}

  find(mailbox: string, from: Date, until: Date): Promise<Reader[]> {
    return this.database.run(FIND_READERS, [mailbox, from, until, MOST])
  }
}
