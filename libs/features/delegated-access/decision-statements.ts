import { recordActsOf } from '#domain/audit/record-act.js'
import { GRANT_WANTED_MAILBOX } from '#domain/grants/grant-mailbox.js'
import type { MicrosoftCloudName } from '#domain/providers/provider.port.js'
import { defineBatchStatement, defineStatement } from '#platform/database/statement.js'
import type { Decision } from './request-lifecycle.js'

/** A request, with the service account it is made through. */
export interface AskedRequest {
  id: string
  decision: Decision
  callback_url: string
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
}

/** A `limit` in each keeps them lookups by index: without one, a plan made on empty tables may scan all grants for ever. */
const LAST_HOLDER = `(
       select a.provider_user_id from accounts a
       where a.service_account_id = r.service_account_id and a.email = r.email
         and (select true from grants g where g.account_id = a.id and g.revoked_at is null limit 1)
       order by a.created_at desc limit 1)`

/** Values: request. */
export const FIND_REQUEST = defineBatchStatement<AskedRequest>(
  `select r.id, r.decision, r.callback_url, r.client_id, r.service_account_id, r.email, r.scope, r.created_at,
     s.provider, s.organisation_id, s.domains, s.administrator_email, s.cloud, s.updated_at as authorised_at,
     s.scope as account_scope, s.credential_version, s.sealed_credential,
     (s.revoked_at is not null or c.disabled_at is not null) as withdrawn, ${LAST_HOLDER} as last_holder
   from delegated_access_requests r
   join service_accounts s on s.id = r.service_account_id
   join clients c on c.id = r.client_id
   where r.id = any($1::text[])`,
)

/**
 * Decides and grants at once, so that the loser of a race leaves no grant behind. No row when another run decided first,
 * or the service account was revoked meanwhile.
 * Values: request, now, next ring, account, profile, grant, address, kind, display name, provider's user id.
 */
export const RECORD_GRANT = defineBatchStatement<{ id: string }>(
  `with asked as (
     select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
         $8::text[], $9::text[], $10::text[])
       as asked (request_id, now, ring_at, account_id, profile_id, grant_id, email, kind, display_name, provider_user_id)
   ), wanted as (
     select asked.*, asked.now as granted_at, r.client_id, r.service_account_id, s.provider, r.scope
     from asked
     join delegated_access_requests r on r.id = asked.request_id and r.decision = 'pending'
     join service_accounts s on s.id = r.service_account_id and s.revoked_at is null
     order by r.id
     for update of r
   ), ${GRANT_WANTED_MAILBOX}, audited as (
     ${recordActsOf('wanted join granted on granted.id = wanted.grant_id', {
       ...{ client_id: 'client_id', at: 'granted_at', act: `'mint.granted'`, service_account_id: 'service_account_id' },
       ...{
         mailbox: 'email',
         subject: 'granted.id',
         details: `jsonb_build_object('request', request_id, 'scope', scope)::text`,
       },
     })}
   )
   update delegated_access_requests r
   set decision = 'granted', decided_at = wanted.now, ring_at = wanted.ring_at, account_id = granted.account_id,
     grant_id = granted.id
   from wanted join granted on granted.id = wanted.grant_id
   where r.id = wanted.request_id
   returning r.id`,
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

/** Values: request, next ring. */
export const POSTPONE_MINT = defineStatement(
  'postpone-mint',
  `update delegated_access_requests set ring_at = $2 where id = $1 and decision = 'pending'`,
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
