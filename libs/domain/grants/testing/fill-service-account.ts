import type { Database } from '#platform/database/database.js'

export const CALLBACK_URL = 'https://app.acme.test/callbacks'

/** These have few rows, however many mailboxes. */
export const SMALL_TABLES = ['clients', 'service_accounts', 'user_credentials']

/**
 * A service account with so many mailboxes. Each has a grant, a live code, an access token and a refresh token, whose
 * values are `code-<id>-<n>`, `access-<id>-<n>` and `refresh-<id>-<n>`; half of the requests wait, half of those undecided.
 */
export async function fillServiceAccount(
  database: Database,
  { id, clientId, mailboxes, now }: { id: string; clientId: string; mailboxes: number; now: Date },
): Promise<void> {
  const numbered = `from generate_series(1, ${mailboxes}) n`
  const hash = (kind: string) =>
    `rtrim(translate(encode(sha256(('${kind}-${id}-' || n)::bytea), 'base64'), '+/', '-_'), '=')`
  const [begin, end] = [`timestamptz '${now.toISOString()}'`, `timestamptz '${now.toISOString()}' + interval '1 year'`]
  const owner = `'${clientId}', '${id}'`
  for (const statement of [
    `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
     values ('${clientId}', 'Acme', '{}', '{}', '', ${begin}) on conflict do nothing`,
    `insert into service_accounts (id, client_id, provider, organisation_id, organisation_name, domains,
       administrator_email, credential_source, credential_version, scope, delegated_scope, created_at, updated_at)
     values ('${id}', '${clientId}', 'google', '${id}', 'Acme', '{acme.test}', 'admin@acme.test', 'operator', 'v', '{}',
       '{}', ${begin}, ${begin})`,
    `insert into accounts (id, client_id, service_account_id, provider, email, kind, provider_user_id, profile_id,
       created_at)
     select 'acc_${id}_' || n, ${owner}, 'google', 'user' || n || '@acme.test', 'person', n, n, ${begin} ${numbered}`,
    `insert into grants (id, client_id, service_account_id, account_id, kind, scope, created_at)
     select 'gra_${id}_' || n, ${owner}, 'acc_${id}_' || n, 'person', '{read_only}', ${begin} ${numbered}`,
    `insert into codes (code_hash, grant_id, client_id, redirect_uri, request_id, expires_at)
     select ${hash('code')}, 'gra_${id}_' || n, '${clientId}', '${CALLBACK_URL}', 'dar_${id}_' || n, ${end} ${numbered}`,
    `insert into access_tokens (token_hash, grant_id, created_at, expires_at)
     select ${hash('access')}, 'gra_${id}_' || n, ${begin}, ${end} ${numbered}`,
    `insert into refresh_tokens (token_hash, grant_id, generation, created_at)
     select ${hash('refresh')}, 'gra_${id}_' || n, 0, ${begin} ${numbered}`,
    `insert into delegated_access_requests (id, client_id, service_account_id, fingerprint, email, callback_url,
       callback_host, scope, decision, callback, ring_at, created_at)
     select 'dar_${id}_' || n, ${owner}, '', 'user' || n || '@acme.test', '${CALLBACK_URL}', '${new URL(CALLBACK_URL).host}', '{read_only}',
       case n % 4 when 0 then 'pending' when 1 then 'denied' else 'granted' end,
       case when n % 2 = 0 then 'waiting' else 'delivered' end, ${begin}, ${begin} ${numbered}`,
    'analyze',
  ])
    await database.read((em) => em.execute(statement))
}
