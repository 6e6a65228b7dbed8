import { recordActsOf } from '#domain/audit/record-act.js'
import type { LiveState } from '#domain/credentials/service-account-states.js'
import { ISSUE_FIRST_CODE, lockLiveCodesOf } from '#domain/grants/codes.js'
import { GRANT_WANTED_MAILBOX } from '#domain/grants/grant-mailbox.js'
import { isLeft } from '#domain/grants/live-grant.js'
import type { MicrosoftCloudName } from '#domain/providers/provider.port.js'
import { defineBatchStatement, defineStatement } from '#platform/database/statement.js'
import type { ClaimedDelivery } from './delivery-statements.js'
import { LOCK_ASKED_REQUESTS } from './lock-asked-requests.js'
import type { Decision } from './request-lifecycle.js'

/** A request, with the service account it is made through. */
export interface AskedRequest {
  id: string
  decision: Decision
  callback_host: string
  client_id: string
  service_account_id: string
  email: string
  scope: string[]
  created_at: Date
  provider: 'google' | 'microsoft'
  organisation_id: string
  domains: string[]
  administrator_email: string
  cloud: MicrosoftCloudName | null
  authorised_at: Date
  account_scope: string[]
  credential_version: string
  sealed_credential: string | null
  /** The provider's id of whoever had this address when it was last granted, while that grant lives. */
  last_holder: string | null
  /** The service account was revoked, or the client disabled, since the request was accepted. */
  withdrawn: boolean
  /** What its administrator allows now, where that is less than when it may have been asked for. */
  narrowed_to: string[] | null
  /** Of the service account. */
  state: LiveState
  state_reason: string | null
  /** When the last probe of the service account began. */
  probed_at: Date | null
  /** When it was refused for a reason that is not its own, or found its service account failing. */
  held_since: Date | null
}

/** A `limit` in each keeps them lookups by index: without one, a plan made on empty tables may scan all grants for ever. */
const LAST_HOLDER = `(
       select a.provider_user_id from accounts a
       where a.service_account_id = r.service_account_id and a.email = r.email
         and (select true from grants g where g.account_id = a.id and g.revoked_at is null limit 1)
       order by a.created_at desc limit 1)`

/** Values: request. */
export const FIND_REQUEST = defineBatchStatement<AskedRequest>(
  'find-requests',
  `select r.id, r.decision, r.callback_host, r.client_id, r.service_account_id, r.email, r.scope, r.created_at,
     s.provider, s.organisation_id, s.domains, s.administrator_email, s.cloud, s.updated_at as authorised_at,
     s.scope as account_scope, s.credential_version, s.sealed_credential, s.state, s.state_reason, s.probed_at, s.narrowed_to,
     r.held_since,
     (s.revoked_at is not null or c.disabled_at is not null) as withdrawn, ${LAST_HOLDER} as last_holder
   from delegated_access_requests r
   join service_accounts s on s.id = r.service_account_id
   join clients c on c.id = r.client_id
   where r.id = any($1::text[])`,
)

/** With what its callback is made of, where the first attempt at it was taken. */
export interface GrantedRequest extends ClaimedDelivery {
  is_claimed: boolean
}

/**
 * Decides and grants at once, so that the loser of a race leaves no grant behind; and takes the first delivery attempt where
 * it comes with a lease, as `CLAIM_DELIVERY` does with any: unless the client is disabled by now, or the breaker of its host
 * is open. No row when another run decided first, the service account was revoked, or its administrator allows less by now.
 * Values: request, now, next ring, account, profile, grant, address, kind, display name, provider's user id; end of the
 * lease, hash of the code, end of the code's life.
 */
export const RECORD_GRANT = defineBatchStatement<GrantedRequest>(
  'record-grants',
  `with asked as (
     select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
         $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::text[], $13::timestamptz[])
       as asked (request_id, now, ring_at, account_id, profile_id, grant_id, email, kind, display_name, provider_user_id,
         lease_until, code_hash, code_expires_at)
   ), ${LOCK_ASKED_REQUESTS}, wanted as (
     select asked.*, asked.now as granted_at, r.client_id, r.service_account_id, s.provider, r.scope, r.callback_url,
       r.attempts, h.host is not null as host_has_failed,
       asked.lease_until is not null and c.disabled_at is null and h.open_until is null as is_claimed
     from asked
     join locked r on r.id = asked.request_id and r.decision = 'pending'
     join service_accounts s on s.id = r.service_account_id and s.revoked_at is null
       and (s.narrowed_to is null or r.scope <@ s.narrowed_to)
       and (s.narrowed_kinds is null or asked.kind = any (s.narrowed_kinds))
     join clients c on c.id = r.client_id
     left join callback_hosts h on h.client_id = r.client_id and h.host = r.callback_host
   ), ${GRANT_WANTED_MAILBOX}, claimed as (
     select request_id as id, granted.id as grant_id, client_id, callback_url, code_hash, code_expires_at,
       attempts + 1 as attempt, now as claimed_at
     from wanted join granted on granted.id = wanted.grant_id
     where is_claimed
   ), ${ISSUE_FIRST_CODE}, noted as (
     insert into callback_attempts (request_id, number, started_at) select id, attempt, claimed_at from claimed
   ), audited as (
     ${recordActsOf(
       `wanted join granted on granted.id = wanted.grant_id cross join lateral (values
          ('mint.granted', jsonb_build_object('request', request_id, 'scope', scope)::text),
          ('code.issued', jsonb_build_object('request', request_id, 'attempt', attempts + 1)::text)
        ) as did (act, details)
        where did.act = 'mint.granted' or is_claimed`,
       {
         ...{ client_id: 'client_id', at: 'granted_at', act: 'did.act', service_account_id: 'service_account_id' },
         ...{ mailbox: 'email', subject: 'granted.id', details: 'did.details' },
       },
     )}
   )
   update delegated_access_requests r
   set decision = 'granted', decided_at = wanted.now, account_id = granted.account_id, grant_id = granted.id,
     attempts = case when is_claimed then r.attempts + 1 else r.attempts end,
     lease_until = case when is_claimed then wanted.lease_until end,
     ring_at = case when is_claimed then wanted.lease_until else wanted.ring_at end
   from wanted join granted on granted.id = wanted.grant_id
   where r.id = wanted.request_id
   returning r.id, r.client_id, r.grant_id, r.callback_url, r.state, r.error, r.error_key, r.error_description,
     r.attempts, host_has_failed, is_claimed`,
)

/** No row when another run decided first. Values: request, now, next ring, error, key, description. */
export const RECORD_DENIAL = defineStatement<{ id: string }>(
  'record-denial',
  `with denied as (
     update delegated_access_requests
     set decision = 'denied', decided_at = $2, ring_at = $3, error = $4, error_key = $5, error_description = $6
     where id = $1 and decision = 'pending'
     returning id, client_id, service_account_id, email
   ), audited as (
     ${recordActsOf('denied', {
       ...{ client_id: 'client_id', at: '$2', act: `'mint.denied'`, service_account_id: 'service_account_id' },
       ...{ mailbox: 'email', subject: 'id', reason: '$5' },
     })}
   )
   select id from denied`,
)

/**
 * What was granted has ended before its client was told, although its service account lives: that is told instead. A code
 * that was exchanged before is not waited for again. Values: request, now, what to say where the administrator has allowed
 * less, and where it was ended otherwise.
 */
export const DENY_ENDED_GRANT = defineStatement<{ id: string }>(
  'deny-ended-grant',
  `with asked as (
     select * from delegated_access_requests
     where id = $1 and decision = 'granted' and callback = 'waiting' and (lease_until is null or lease_until < $2) for update
   ), ${lockLiveCodesOf('select id from asked')}, ended as (
     select asked.id, not ${isLeft('asked.scope')} as by_narrowing
     from asked
     join service_accounts s on s.id = asked.service_account_id and s.revoked_at is null
     join clients c on c.id = asked.client_id and c.disabled_at is null
     join grants g on g.id = asked.grant_id
     where (g.revoked_at is not null or not ${isLeft('asked.scope')})
       and not exists (select 1 from live where redeemed_at is not null)
   ), denied as (
     update delegated_access_requests r
     set decision = 'denied', decided_at = $2, account_id = null, grant_id = null,
       error = case when by_narrowing then 'unable_to_grant_scope' else 'access_denied' end,
       error_key = case when by_narrowing then 'scope.narrowed' else 'grant.ended' end,
       error_description = case when by_narrowing then $3 else $4 end
     from ended where r.id = ended.id
     returning r.*
   ), audited as (
     ${recordActsOf('denied', {
       ...{ client_id: 'client_id', at: '$2', act: `'mint.denied'`, service_account_id: 'service_account_id' },
       ...{ mailbox: 'email', subject: 'id', reason: 'error_key' },
     })}
   )
   select id from denied`,
)

/**
 * Lets a request wait until its service account comes back, or its patience ends. No row when it is not failing by now: the
 * lock makes whoever ends the failing wait, so that nothing is held that nobody would let go. Values: request, now, end.
 */
export const HOLD_REQUEST = defineStatement<{ id: string }>(
  'hold-request',
  `with failing as (
     select s.id from service_accounts s
     where s.id = (select service_account_id from delegated_access_requests where id = $1)
       and s.state = 'failing' and s.revoked_at is null
     for share
   )
   update delegated_access_requests r set held_since = coalesce(r.held_since, $2), ring_at = $3
   from failing where r.id = $1 and r.decision = 'pending'
   returning r.id`,
)

/** It was refused for a reason that is not its own, and a probe is to tell. Values: request, now, next ring. */
export const AWAIT_PROBE = defineStatement(
  'await-probe',
  `update delegated_access_requests set held_since = coalesce(held_since, $2), ring_at = $3
   where id = $1 and decision = 'pending'`,
)

/**
 * Lets go what was held for service accounts that are not failing any more, so many at a time; what has been refused since
 * waits for another probe. Values: now, rows at most.
 */
export const LET_GO = defineStatement<{ id: string }>(
  'let-go',
  `update delegated_access_requests set held_since = null, ring_at = $1 where id in (
     select r.id from service_accounts s
     join delegated_access_requests r on r.service_account_id = s.id and r.decision = 'pending'
       and r.held_since is not null and r.held_since < s.state_since
     where s.holds_requests and s.state <> 'failing'
     limit $2 for update of r skip locked
   ) returning id`,
)

/** For those that have let go of everything. */
export const NOTHING_HELD = defineStatement(
  'nothing-held',
  `update service_accounts s set holds_requests = false
   where s.holds_requests and (s.state <> 'failing' or s.revoked_at is not null)
     and not exists (select 1 from delegated_access_requests r
       where r.service_account_id = s.id and r.decision = 'pending' and r.held_since is not null
         and r.held_since < s.state_since)`,
)

/** What it is refused with next is looked into anew. Values: request, next ring. */
export const POSTPONE_MINT = defineStatement(
  'postpone-mint',
  `update delegated_access_requests set ring_at = $2, held_since = null where id = $1 and decision = 'pending'`,
)

/** Values: request, now. */
export const CANCEL_WITHDRAWN = defineStatement(
  'cancel-withdrawn',
  `with cancelled as (
     update delegated_access_requests set decision = 'cancelled', callback = 'abandoned',
       abandoned_because = 'withdrawn', ring_at = null, ended_at = $2
     where id = $1 and decision = 'pending'
     returning id, client_id, service_account_id, email
   )
   ${recordActsOf('cancelled', {
     ...{ client_id: 'client_id', at: '$2', act: `'access.cancelled'`, service_account_id: 'service_account_id' },
     ...{ mailbox: 'email', subject: 'id', reason: `'withdrawn'` },
   })}`,
)
