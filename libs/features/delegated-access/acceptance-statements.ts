import { recordActsOf } from '#domain/audit/record-act.js'
import type { Client } from '#domain/clients/client.entity.js'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { defineLookup, defineStatement } from '#platform/database/statement.js'

/** What there is to be asked for through a service account, and where its client may be told. */
export type Asker = Pick<ServiceAccount, 'provider' | 'scope' | 'delegatedScope'> & Pick<Client, 'callbackOrigins'>

/** While it lasts. By service account. */
export const FIND_ASKER = defineLookup<Asker>(
  'find-asker',
  `select s.id as asked, s.provider, s.scope, s.delegated_scope as "delegatedScope", c.callback_origins as "callbackOrigins"
   from service_accounts s join clients c on c.id = s.client_id
   where s.id = any ($1::text[]) and s.revoked_at is null`,
)

/**
 * Writes every row of a batch, or none of them.
 * Values: one list each of ids, fingerprints, addresses, callback URLs, their hosts, scopes (names with spaces between) and
 * states; and for all of them the client, the service account, the idempotency key, when they are rung for again, when they
 * were asked for, actor, address, id of the HTTP request.
 */
export const ACCEPT_REQUESTS = defineStatement(
  'accept-requests',
  `with accepted as (
     insert into delegated_access_requests (id, fingerprint, email, callback_url, callback_host, scope, state,
       client_id, service_account_id, idempotency_key, decision, callback, ring_at, created_at)
     select id, fingerprint, email, callback_url, callback_host, string_to_array(scope, ' '), state,
       $8::text, $9::text, $10::text, 'pending', 'waiting', $11::timestamptz, $12::timestamptz
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
       as asked (id, fingerprint, email, callback_url, callback_host, scope, state)
     returning id, email, scope
   )
   ${recordActsOf('accepted', {
     ...{ client_id: '$8::text', at: '$12::timestamptz', act: `'access.requested'`, actor: '$13::text' },
     ...{ address: '$14::text', request_id: '$15::text', service_account_id: '$9::text' },
     ...{ mailbox: 'email', subject: 'id', details: `jsonb_build_object('scope', scope)::text` },
   })}`,
)
