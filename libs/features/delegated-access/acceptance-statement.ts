import { recordActsOf } from '#domain/audit/record-act.js'
import { defineStatement } from '#platform/database/statement.js'

/**
 * Writes every row of a batch, or none of them.
 * Values: the rows as a JSON list of entities, actor, address, id of the HTTP request.
 */
export const ACCEPT_REQUESTS = defineStatement(
  'accept-requests',
  `with accepted as (
     insert into delegated_access_requests (id, client_id, service_account_id, idempotency_key, fingerprint, email,
       callback_url, callback_host, scope, state, decision, callback, attempts, ring_at, created_at)
     select id, "clientId", "serviceAccountId", "idempotencyKey", fingerprint, email,
       "callbackUrl", "callbackHost", scope, state, decision, callback, attempts, "ringAt", "createdAt"
     from jsonb_to_recordset($1::jsonb) as asked (id text, "clientId" text, "serviceAccountId" text,
       "idempotencyKey" text, fingerprint text, email text, "callbackUrl" text, "callbackHost" text, scope text[],
       state text, decision text, callback text, attempts int, "ringAt" timestamptz, "createdAt" timestamptz)
     returning id, client_id, service_account_id, email, scope, created_at
   )
   ${recordActsOf('accepted', {
     ...{ client_id: 'client_id', at: 'created_at', act: `'access.requested'`, actor: '$2::text', address: '$3::text' },
     ...{ request_id: '$4::text', service_account_id: 'service_account_id', mailbox: 'email', subject: 'id' },
     details: `jsonb_build_object('scope', scope)::text`,
   })}`,
)
