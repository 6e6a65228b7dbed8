import { recordActsOf } from '#domain/audit/record-act.js'
import { defineStatement, type Statement } from '#platform/database/statement.js'

/** Which dead letters are meant; each has an index that leads to them, whatever the table's size. */
export type DeadLetterScope = 'all' | 'service_account' | 'host' | 'request'

const IN_SCOPE: Record<DeadLetterScope, string> = {
  all: '$1::text is null',
  service_account: 'service_account_id = $1',
  host: 'callback_host = $1',
  request: 'id = $1',
}

/** Withdrawn requests have nothing to tell. */
const IS_DEAD_LETTER = `callback = 'abandoned' and abandoned_because <> 'withdrawn'`

const forEachScope = <Row>(statementFor: (scope: DeadLetterScope, condition: string) => Statement<Row>) =>
  Object.fromEntries(
    Object.entries(IN_SCOPE).map(([scope, condition]) => [scope, statementFor(scope as DeadLetterScope, condition)]),
  ) as Record<DeadLetterScope, Statement<Row>>

/** Newest first; whole rows, because retention or a redelivery may take one before anybody asks again. Values: what the scope names; time and id of the last one on the page before (or nulls), rows at most. */
export const FIND_DEAD_LETTERS = forEachScope((scope, condition) =>
  defineStatement<Record<string, unknown>>(
    `find-dead-letters-${scope}`,
    `select * from delegated_access_requests
     where ${condition} and ${IS_DEAD_LETTER}
       and created_at <= coalesce($2::timestamptz, 'infinity')
       and (created_at, id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::text, ''))
     order by created_at desc, id desc limit $4`,
  ),
)

/**
 * Lets dead letters wait again, oldest first; the sweeper rings for them at its own pace. Those that were abandoned after
 * the given time stay, so that whoever repeats this comes to an end.
 * Values: what the scope names, time, now, rows at most; actor, address and request id for the record.
 */
export const REDELIVER_DEAD_LETTERS = forEachScope((scope, condition) =>
  defineStatement<{ id: string }>(
    `redeliver-dead-letters-${scope}`,
    `with chosen as materialized (
       select id from delegated_access_requests
       where ${condition} and ${IS_DEAD_LETTER} and ended_at <= $2
       order by created_at, id limit $4 for update skip locked
     ), waiting as (
       update delegated_access_requests r
       set callback = 'waiting', abandoned_because = null, lease_until = null, ended_at = null, redelivered_at = $3,
         next_attempt_at = null, ring_at = $3
       from chosen where r.id = chosen.id
       returning r.id, r.client_id, r.service_account_id, r.email
     ), audited as (
       ${recordActsOf('waiting', {
         ...{ client_id: 'client_id', at: '$3', act: `'access.redelivered'`, service_account_id: 'service_account_id' },
         ...{ mailbox: 'email', subject: 'id', actor: '$5', address: '$6', request_id: '$7' },
       })}
     )
     select id from waiting`,
  ),
)
