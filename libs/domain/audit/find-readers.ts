import { Injectable } from '@nestjs/common'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import type { Month } from './audit-months.js'

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
  /** Nobody can read before the first token: null when there was none in or before the period, or none that is on record here. */
  first_token_at: Date | null
  /** New tokens in the period. */
  refreshes: number
  /** Reads on record in the period: the first in each hour and process. */
  reads: number
  last_read_at: Date | null
  /** Calls in the period that were to change something. */
  changes: number
  /** The provider's own tokens that it was given in the period: what it read with them, nobody here knows. */
  provider_tokens: number
}

/** Newest grants first; a mailbox that is granted more often than this has its older grants in the export. */
const MOST = 1_000

/**
 * One look at the mailbox's own part of the index of each month, whatever the length of the chains. Grants live for ever,
 * and the acts that made the older ones may have left for an archive: those are found by the account's address of today,
 * in one look for each organisation.
 * Values: mailbox, begin of the period, its end, most rows, the first day that is on record here.
 */
const FIND_READERS = defineStatement<Reader>(
  'find-readers',
  `with older as (
     select a.id from service_accounts s join accounts a on a.service_account_id = s.id
     where a.email = $1 and $5::timestamptz is not null
     union all select id from accounts where service_account_id is null and email = $1 and $5::timestamptz is not null
   ), granted as (
     select distinct on (grant_id) * from (
       select client_id, service_account_id, subject as grant_id, at as granted_at from audit_events
       where mailbox = $1 and act in ('mint.granted', 'account.connected') and at < $3
       union all
       select g.client_id, g.service_account_id, g.id, g.created_at from older join grants g on g.account_id = older.id
       where g.created_at < least($3, $5)
     ) either order by grant_id, granted_at
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
       max(at) filter (where act = 'mailbox.read' and at >= $2) as last_read_at,
       count(*) filter (where act = 'mailbox.changed' and at >= $2)::int as changes,
       count(*) filter (where act = 'provider_token.handed_over' and at >= $2)::int as provider_tokens
     from audit_events
     where mailbox = $1 and at < $3
       and (act = 'code.exchanged' or (act in ('token.refreshed', 'mailbox.read', 'mailbox.changed', 'provider_token.handed_over')
         and at >= $2))
     group by subject
   )
   select client_id, client_name, service_account_id, organisation_name, grant_id, scope, granted_at, ended_at,
     first_token_at, coalesce(refreshes, 0) as refreshes, coalesce(reads, 0) as reads, last_read_at,
     coalesce(changes, 0) as changes, coalesce(provider_tokens, 0) as provider_tokens
   from alive left join used using (grant_id)
   order by granted_at desc limit $4`,
)

/** Who could read a mailbox, and who did. */
@Injectable()
export class FindReaders {
  constructor(private readonly database: Database) {}

  /** @param recordedFrom null when nothing has left for an archive */
  find(mailbox: string, from: Date, until: Date, recordedFrom: Month | null): Promise<Reader[]> {
    return this.database.run(FIND_READERS, [mailbox, from, until, MOST, recordedFrom && new Date(recordedFrom)])
  }
}
