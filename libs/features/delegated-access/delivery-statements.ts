import { recordActsOf } from '#domain/audit/record-act.js'
import { ISSUE_CLAIMED_CODE } from '#domain/grants/codes.js'
import { defineStatement } from '#platform/database/statement.js'

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
}

/**
 * Takes the next delivery attempt, notes its beginning and stores its code. No row when there is none to make: undecided, told, leased to
 * another worker, withdrawn with its service account, client or grant, or proven delivered by a redeemed code. The
 * earlier code is locked first, so that an exchange of it that is under way is waited for.
 * Values: request, now, end of the lease, hash of the code, end of the code's life.
 */
export const CLAIM_DELIVERY = defineStatement<ClaimedDelivery>(
  'claim-delivery',
  `with live as (
     select redeemed_at from codes where request_id = $1 and superseded_at is null for update
   ), claimed as (
     update delegated_access_requests r set attempts = attempts + 1, lease_until = $3, ring_at = $3
     where id = $1 and callback = 'waiting' and decision in ('granted', 'denied')
       and (lease_until is null or lease_until < $2)
       and exists (select 1 from service_accounts s where s.id = r.service_account_id and s.revoked_at is null)
       and exists (select 1 from clients c where c.id = r.client_id and c.disabled_at is null)
       and not exists (select 1 from grants g where g.id = r.grant_id and g.revoked_at is not null)
       and not exists (select 1 from live where redeemed_at is not null)
     returning id, client_id, service_account_id, email, grant_id, callback_url, state, error, error_key,
       error_description, attempts, $2::timestamptz as claimed_at, $4::text as code_hash, $5::timestamptz as code_expires_at
   ), ${ISSUE_CLAIMED_CODE}, noted as (
     insert into callback_attempts (request_id, number, started_at) select id, attempts, $2 from claimed
   ), audited as (
     ${recordActsOf('claimed where grant_id is not null', {
       ...{ client_id: 'client_id', at: '$2', act: `'code.issued'`, service_account_id: 'service_account_id' },
       ...{ mailbox: 'email', subject: 'grant_id' },
       details: `jsonb_build_object('request', id, 'attempt', attempts)::text`,
     })}
   )
   select id, client_id, grant_id, callback_url, state, error, error_key, error_description, attempts from claimed`,
)

/**
 * Writes down what came of an attempt. The request changes only while that attempt is still its newest.
 * Values: request, number of the attempt, milliseconds, status, failure, callback, next ring, end, now.
 */
export const RECORD_DELIVERY = defineStatement(
  'record-delivery',
  `with attempted as (
     update callback_attempts set milliseconds = $3, status = $4, failure = $5 where request_id = $1 and number = $2
     returning request_id
   ), audited as (
     ${recordActsOf('attempted a join delegated_access_requests r on r.id = a.request_id', {
       ...{
         client_id: 'client_id',
         at: '$9::timestamptz',
         service_account_id: 'service_account_id',
         mailbox: 'email',
         subject: 'id',
       },
       act: `case $6::text when 'abandoned' then 'callback.abandoned' else 'callback.attempted' end`,
       reason: '$5',
       details: `jsonb_build_object('attempt', $2::int, 'status', $4::int, 'callback', $6)::text`,
     })}
   )
   update delegated_access_requests set callback = $6, lease_until = null, ring_at = $7, ended_at = $8
   where id = $1 and attempts = $2 and callback = 'waiting'`,
)

/**
 * Ends what could not be claimed because it is withdrawn or proven delivered. Changes nothing where the request is
 * undecided, told, leased, or between two attempts, because another worker has just ended one. Values: request, now.
 */
export const END_POINTLESS = defineStatement(
  'end-pointless',
  `with ended as (
     update delegated_access_requests r set lease_until = null, ring_at = null, ended_at = $2,
       callback = case when exists (select 1 from codes where request_id = $1 and redeemed_at is not null)
         then 'delivered' else 'abandoned' end
     where id = $1 and callback = 'waiting' and decision <> 'pending' and (lease_until is null or lease_until < $2)
       and (exists (select 1 from service_accounts s where s.id = r.service_account_id and s.revoked_at is not null)
         or exists (select 1 from clients c where c.id = r.client_id and c.disabled_at is not null)
         or exists (select 1 from codes c where c.request_id = r.id and c.redeemed_at is not null))
     returning id, client_id, service_account_id, email, callback
   )
   ${recordActsOf(`ended where callback = 'abandoned'`, {
     ...{ client_id: 'client_id', at: '$2', act: `'callback.abandoned'`, service_account_id: 'service_account_id' },
     ...{ mailbox: 'email', subject: 'id', reason: `'withdrawn'` },
   })}`,
)
