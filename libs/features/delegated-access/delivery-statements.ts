import { recordActsOf } from '#domain/audit/record-act.js'
import { ISSUE_CLAIMED_CODE } from '#domain/grants/codes.js'
import { defineBatchStatement, defineStatement } from '#platform/database/statement.js'

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
  /** So that the first answer of a host that has failed is noted. */
  host_has_failed: boolean
}

/**
 * Takes the next delivery attempt, notes its beginning and stores its code. No row when there is none to make: undecided, told, leased to
 * another worker, withdrawn with its service account, client or grant, proven delivered by a redeemed code, or held back
 * by its host's breaker. The earlier code is locked first, so that an exchange of it that is under way is waited for.
 * Values: request, now, end of the lease, hash of the code, end of the code's life, host, whether it is the host's probe.
 */
export const CLAIM_DELIVERY = defineBatchStatement<ClaimedDelivery>(
  `with asked as (
     select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::timestamptz[],
         $6::text[], $7::boolean[])
       as asked (request_id, now, lease_until, code_hash, code_expires_at, host, is_probe)
   ), live as (
     select request_id, redeemed_at from codes where request_id = any($1) and superseded_at is null
     order by code_hash for update
   ), claimed as (
     update delegated_access_requests r
     set attempts = attempts + 1, lease_until = asked.lease_until, ring_at = asked.lease_until
     from asked
     where r.id = asked.request_id and callback = 'waiting' and decision in ('granted', 'denied')
       and (r.lease_until is null or r.lease_until < asked.now)
       and exists (select 1 from service_accounts s where s.id = r.service_account_id and s.revoked_at is null)
       and exists (select 1 from clients c where c.id = r.client_id and c.disabled_at is null)
       and not exists (select 1 from grants g where g.id = r.grant_id and g.revoked_at is not null)
       and not exists (select 1 from live where live.request_id = r.id and redeemed_at is not null)
       and (asked.is_probe or not exists (select 1 from callback_hosts h
         where h.client_id = r.client_id and h.host = asked.host and h.open_until is not null))
     returning id, client_id, service_account_id, email, grant_id, callback_url, state, error, error_key,
       error_description, attempts, asked.now as claimed_at, asked.code_hash, asked.code_expires_at, asked.host
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
 * Writes down what came of an attempt. The request changes only while that attempt is still its newest.
 * Values: request, number of the attempt, milliseconds, status, failure, callback, next ring, end, now, why abandoned.
 */
export const RECORD_DELIVERY = defineBatchStatement<{ id: string }>(
  `with told as (
     select * from unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::text[], $6::text[], $7::timestamptz[],
         $8::timestamptz[], $9::timestamptz[], $10::text[])
       as told (request_id, number, milliseconds, status, failure, callback, ring_at, ended_at, now, abandoned_because)
   ), attempted as (
     update callback_attempts a set milliseconds = told.milliseconds, status = told.status, failure = told.failure
     from told where a.request_id = told.request_id and a.number = told.number
     returning told.*
   ), audited as (
     ${recordActsOf('attempted a join delegated_access_requests r on r.id = a.request_id', {
       ...{ client_id: 'client_id', at: 'a.now', service_account_id: 'service_account_id', mailbox: 'email' },
       ...{ subject: 'id', reason: 'a.failure' },
       act: `case a.callback when 'abandoned' then 'callback.abandoned' else 'callback.attempted' end`,
       details: `jsonb_build_object('attempt', a.number, 'status', a.status, 'callback', a.callback)::text`,
     })}
   )
   update delegated_access_requests r
   set callback = told.callback, lease_until = null, ring_at = told.ring_at, ended_at = told.ended_at,
     abandoned_because = told.abandoned_because
   from told where r.id = told.request_id and r.attempts = told.number and r.callback = 'waiting'
   returning r.id`,
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
         or exists (select 1 from clients c where c.id = r.client_id and c.disabled_at is not null)
         or exists (select 1 from grants g where g.id = r.grant_id and g.revoked_at is not null))
     returning id, client_id, service_account_id, email, callback
   ), audited as (
     ${recordActsOf(`ended where callback = 'abandoned'`, {
       ...{ client_id: 'client_id', at: '$2', act: `'callback.abandoned'`, service_account_id: 'service_account_id' },
       ...{ mailbox: 'email', subject: 'id', reason: `'withdrawn'` },
     })}
   )
   select callback from ended`,
)
