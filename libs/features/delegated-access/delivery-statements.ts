import { recordActsOf } from '#domain/audit/record-act.js'
import { findNextAttemptIn, holdBackIn, type MessageTable, takeProbeIn } from '#domain/deliveries/host-breaker.js'
import { ISSUE_CLAIMED_CODE, lockLiveCodesOf } from '#domain/grants/codes.js'
import { isLeft } from '#domain/grants/live-grant.js'
import { defineBatchStatement, defineStatement } from '#platform/database/statement.js'
import { LOCK_ASKED_REQUESTS } from './lock-asked-requests.js'

/** What a callback is made of. */
export interface ClaimedDelivery {
  id: string
  client_id: string
  grant_id: string | null
  callback_url: string
  state: string | null
  error: string | null
  error_key: string | null
  error_description: string | null
  attempts: number
  host_has_failed: boolean
}

/**
 * Takes the next delivery attempt, notes its beginning and stores its code. No row when there is none to make: undecided,
 * told, leased to another worker, not due yet, ended with its service account, client or grant, proven delivered by a
 * redeemed code, or held back by its host's breaker. The request is locked first and then its code, as everywhere; so that
 * an exchange that is under way is waited for.
 * Values: request, now, end of the lease, hash of the code, end of the code's life, host, whether it is the host's probe.
 */
export const CLAIM_DELIVERY = defineBatchStatement<ClaimedDelivery>(
  'claim-deliveries',
  `with asked as (
     select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::timestamptz[],
         $6::text[], $7::boolean[])
       as asked (request_id, now, lease_until, code_hash, code_expires_at, host, is_probe)
   ), ${LOCK_ASKED_REQUESTS}, due as (
     select asked.*, client_id, service_account_id, grant_id, scope
     from asked join locked on locked.id = asked.request_id
     where callback = 'waiting' and decision in ('granted', 'denied')
       and (locked.lease_until is null or locked.lease_until < now)
       and (next_attempt_at is null or next_attempt_at <= now)
   ), ${lockLiveCodesOf('select request_id from due')}, claimed as (
     update delegated_access_requests r
     set attempts = attempts + 1, lease_until = due.lease_until, ring_at = due.lease_until
     from due
     where r.id = due.request_id
       and exists (select 1 from service_accounts s left join grants g on g.id = due.grant_id
         where s.id = due.service_account_id and s.revoked_at is null
           and (due.grant_id is null or g.revoked_at is null and ${isLeft('due.scope')}))
       and exists (select 1 from clients c where c.id = due.client_id and c.disabled_at is null)
       and not exists (select 1 from live where live.request_id = due.request_id and redeemed_at is not null)
       and (due.is_probe or not exists (select 1 from callback_hosts h
         where h.client_id = due.client_id and h.host = due.host and h.open_until is not null))
     returning id, r.client_id, r.service_account_id, email, r.grant_id, callback_url, state, error, error_key,
       error_description, attempts, due.now as claimed_at, due.code_hash, due.code_expires_at, due.host
   ), ${ISSUE_CLAIMED_CODE}, noted as (
     insert into callback_attempts (request_id, number, started_at) select id, attempts, claimed_at from claimed
   ), audited as (
     ${recordActsOf('claimed where grant_id is not null', {
       ...{ client_id: 'client_id', at: 'claimed_at', act: `'code.issued'`, service_account_id: 'service_account_id' },
       ...{ mailbox: 'email', subject: 'grant_id' },
       details: `jsonb_build_object('request', id, 'attempt', attempts)::text`,
     })}
   )
   select id, client_id, grant_id, callback_url, state, error, error_key, error_description, attempts,
     exists (select 1 from callback_hosts h where h.client_id = claimed.client_id and h.host = claimed.host) as host_has_failed
   from claimed`,
)

/**
 * Writes down what came of an attempt, once. The request changes only while that attempt is still its newest and nobody has
 * withdrawn it; the attempt is on record in any case, because it was made.
 * Values: request, number of the attempt, milliseconds, status, failure, callback, next attempt, end, now, why abandoned.
 */
export const RECORD_DELIVERY = defineBatchStatement<{ id: string }>(
  'record-deliveries',
  `with told as (
     select * from unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::text[], $6::text[], $7::timestamptz[],
         $8::timestamptz[], $9::timestamptz[], $10::text[])
       as told (request_id, number, milliseconds, status, failure, callback, next_attempt_at, ended_at, now,
         abandoned_because)
   ), attempted as (
     update callback_attempts a set milliseconds = told.milliseconds, status = told.status, failure = told.failure
     from told where a.request_id = told.request_id and a.number = told.number and a.milliseconds is null
     returning told.*
   ), ${LOCK_ASKED_REQUESTS}, moved as (
     update delegated_access_requests r
     set callback = told.callback, lease_until = null, ring_at = told.next_attempt_at,
       next_attempt_at = told.next_attempt_at, ended_at = told.ended_at, abandoned_because = told.abandoned_because
     from attempted told join locked on locked.id = told.request_id
     where r.id = locked.id and locked.attempts = told.number and locked.callback = 'waiting'
     returning r.id, r.callback
   ), audited as (
     ${recordActsOf('attempted a join locked r on r.id = a.request_id left join moved on moved.id = a.request_id', {
       ...{ client_id: 'r.client_id', at: 'a.now', service_account_id: 'r.service_account_id', mailbox: 'r.email' },
       ...{ subject: 'r.id', reason: 'a.failure' },
       act: `case moved.callback when 'abandoned' then 'callback.abandoned' else 'callback.attempted' end`,
       details: `jsonb_build_object('attempt', a.number, 'status', a.status, 'callback', moved.callback)::text`,
     })}
   )
   select id from moved`,
)

/**
 * Ends what could not be claimed because it is withdrawn or proven delivered. Changes nothing where the request is
 * undecided, told, leased, or between two attempts, because another worker has just ended one. Values: request, now.
 */
export const END_POINTLESS = defineStatement<{ callback: string }>(
  'end-pointless',
  `with ended as (
     update delegated_access_requests r set lease_until = null, ring_at = null, ended_at = $2,
       callback = case when proof.redeemed then 'delivered' else 'abandoned' end,
       abandoned_because = case when proof.redeemed then null else 'withdrawn' end
     from (select exists (select 1 from codes where request_id = $1 and redeemed_at is not null) as redeemed) as proof
     where id = $1 and callback = 'waiting' and decision <> 'pending' and (lease_until is null or lease_until < $2)
       and (proof.redeemed
         or exists (select 1 from service_accounts s where s.id = r.service_account_id and s.revoked_at is not null)
         or exists (select 1 from clients c where c.id = r.client_id and c.disabled_at is not null))
     returning id, client_id, service_account_id, email, callback
   ), audited as (
     ${recordActsOf(`ended where callback = 'abandoned'`, {
       ...{ client_id: 'client_id', at: '$2', act: `'callback.abandoned'`, service_account_id: 'service_account_id' },
       ...{ mailbox: 'email', subject: 'id', reason: `'withdrawn'` },
     })}
   )
   select callback from ended`,
)

const REQUESTS: MessageTable = {
  name: 'delegated_access_requests',
  state: 'callback',
  isTellable: `r.decision in ('granted', 'denied')`,
  waitingSince: 'coalesce(r.redelivered_at, r.decided_at)',
  audited: (source, at, reason) =>
    recordActsOf(source, {
      ...{ client_id: 'client_id', at, act: `'callback.abandoned'`, service_account_id: 'service_account_id' },
      ...{ mailbox: 'email', subject: 'id', reason },
    }),
}

export const FIND_NEXT_ATTEMPT = findNextAttemptIn(REQUESTS)
export const HOLD_BACK = holdBackIn(REQUESTS)
export const TAKE_PROBE = takeProbeIn(REQUESTS)
