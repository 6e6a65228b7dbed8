import { Migration } from '@mikro-orm/migrations'

/**
 * Entities stay the readable description of each table; this is what the database was really told. References are
 * checked at commit: entities name one another by id only, so the unit of work cannot know an order of inserts.
 * What is written for every mailbox does not reference clients and service accounts: each check would lock the one row
 * that all mailboxes of an organisation share, and neither kind of row is ever deleted.
 */
export class Initial extends Migration {
  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement)
  }
}

const STATEMENTS = [
  `create table master_keys (
    id text primary key,
    canary text not null,
    created_at timestamptz not null
  )`,

  // No reference to clients: `operator` is an owner too, and the key is committed before the client that it is made for.
  `create table data_keys (
    id text primary key,
    client_id text not null,
    wrapped_key text not null,
    master_key_id text not null,
    created_at timestamptz not null,
    retired_at timestamptz
  )`,
  'create unique index data_keys_one_active_per_client on data_keys (client_id) where retired_at is null',
  'create index data_keys_of_master_key on data_keys (master_key_id)',

  `create table clients (
    id text primary key,
    name text not null,
    redirect_uris text[] not null,
    callback_origins text[] not null,
    sealed_signing_secret text not null,
    created_at timestamptz not null,
    disabled_at timestamptz
  )`,

  `create table client_secrets (
    id text primary key,
    client_id text not null references clients (id) deferrable initially deferred,
    secret_hash text not null,
    sealed_secret text not null,
    created_at timestamptz not null,
    expires_at timestamptz
  )`,
  'create index client_secrets_of_client on client_secrets (client_id)',

  `create table provider_credentials (
    id text primary key,
    provider text not null,
    client_id text references clients (id) deferrable initially deferred,
    sealed_credential text,
    sign_in_client_id text,
    sealed_sign_in_secret text,
    version text not null,
    updated_at timestamptz not null
  )`,
  `create unique index provider_credentials_one_per_owner on provider_credentials (provider, coalesce(client_id, ''))`,

  `create table service_accounts (
    id text primary key,
    client_id text not null references clients (id) deferrable initially deferred,
    provider text not null,
    organisation_id text not null,
    organisation_name text not null,
    domains text[] not null,
    administrator_email text not null,
    cloud text,
    credential_source text not null,
    sealed_credential text,
    credential_version text not null,
    scope text[] not null,
    delegated_scope text[] not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    revoked_at timestamptz
  )`,
  `create unique index service_accounts_one_live_per_organisation
    on service_accounts (client_id, provider, organisation_id) where revoked_at is null`,

  `create table consents (
    id text primary key,
    client_id text not null references clients (id),
    redirect_uri text not null,
    scope text[] not null,
    delegated_scope text[] not null,
    encoded_state text,
    code_challenge text,
    cookie_hash text not null,
    step text not null,
    revision int not null,
    provider text,
    credential_source text,
    awaited_return jsonb,
    sealed_sign_in text,
    administrator jsonb,
    entered jsonb,
    sealed_credential text,
    organisation jsonb,
    verified_at timestamptz,
    service_account_id text references service_accounts (id),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz
  )`,
  'create index consents_expiring on consents (expires_at)',

  // Not logged: a token that is lost is minted again, and none gets into the write-ahead log, a replica or a base backup.
  // The fences are logged, so that they go on rising after a crash. A row is updated in place, hence the free space.
  'create sequence provider_token_fences',
  `create unlogged table provider_tokens (
    id text primary key,
    fence bigint not null,
    claimed_until timestamptz,
    token_fence bigint,
    sealed_token text,
    renew_at timestamptz,
    usable_until timestamptz,
    dropped_at timestamptz,
    drops int not null default 0,
    kept_until timestamptz not null
  ) with (fillfactor = 50)`,
  'create index provider_tokens_expiring on provider_tokens (kept_until)',

  `create unlogged table provider_budgets (
    lane text primary key,
    rate float8 not null,
    rising_since timestamptz not null,
    slowed_at timestamptz,
    leased_from timestamptz not null,
    places int not null,
    spacing interval not null,
    free_at timestamptz not null
  ) with (fillfactor = 50)`,

  `create table accounts (
    id text primary key,
    client_id text not null,
    service_account_id text not null,
    provider text not null,
    email text not null,
    kind text not null,
    display_name text,
    provider_user_id text not null,
    profile_id text not null,
    created_at timestamptz not null,
    unique (service_account_id, provider_user_id)
  )`,
  'create index accounts_of_mailbox on accounts (service_account_id, email)',

  `create table grants (
    id text primary key,
    client_id text not null,
    service_account_id text not null,
    account_id text references accounts (id) deferrable initially deferred,
    scope text[] not null,
    refresh_generation int not null default 0,
    created_at timestamptz not null,
    revoked_at timestamptz
  )`,
  'create index grants_of_service_account on grants (service_account_id)',
  'create index grants_of_account on grants (account_id)',

  `create table codes (
    code_hash text primary key,
    grant_id text not null references grants (id) deferrable initially deferred,
    client_id text not null,
    redirect_uri text not null,
    code_challenge text,
    request_id text,
    expires_at timestamptz not null,
    redeemed_at timestamptz,
    superseded_at timestamptz
  )`,
  'create index codes_of_grant on codes (grant_id)',
  `create unique index codes_one_live_per_request on codes (request_id)
    where request_id is not null and redeemed_at is null and superseded_at is null`,
  'create index codes_of_request on codes (request_id) where request_id is not null',

  `create table access_tokens (
    token_hash text primary key,
    grant_id text not null references grants (id) deferrable initially deferred,
    scope text[],
    created_at timestamptz not null,
    expires_at timestamptz not null
  )`,
  'create index access_tokens_of_grant on access_tokens (grant_id)',

  `create table refresh_tokens (
    token_hash text primary key,
    grant_id text not null references grants (id) deferrable initially deferred,
    generation int not null,
    created_at timestamptz not null,
    used_at timestamptz
  )`,
  'create index refresh_tokens_of_grant on refresh_tokens (grant_id)',

  `create table delegated_access_requests (
    id text primary key,
    client_id text not null,
    service_account_id text not null,
    idempotency_key text,
    fingerprint text not null,
    email text not null,
    callback_url text not null,
    scope text[] not null,
    state text,
    decision text not null,
    error text,
    error_key text,
    error_description text,
    account_id text references accounts (id) deferrable initially deferred,
    grant_id text references grants (id) deferrable initially deferred,
    callback text not null,
    abandoned_because text,
    attempts int not null default 0,
    lease_until timestamptz,
    ring_at timestamptz,
    created_at timestamptz not null,
    decided_at timestamptz,
    redelivered_at timestamptz,
    ended_at timestamptz
  )`,
  // The sweeper's only question, whatever the table's size.
  'create index requests_to_ring on delegated_access_requests (ring_at) where ring_at is not null',
  `create unique index requests_once_per_idempotency_key
    on delegated_access_requests (service_account_id, idempotency_key, email) where idempotency_key is not null`,
  'create index requests_of_service_account on delegated_access_requests (service_account_id, created_at desc, id desc)',
  // What a revoked service account stops, however much it has had done.
  `create index requests_waiting on delegated_access_requests (service_account_id) where callback = 'waiting'`,
  'create index requests_of_mailbox on delegated_access_requests (service_account_id, email)',
  // Lists by state. What most rows have come to needs none: a page of them is found at once in the order of time.
  `create index requests_undelivered on delegated_access_requests (service_account_id, created_at desc, id desc)
    where callback = 'waiting'`,
  `create index requests_not_granted on delegated_access_requests
    (service_account_id, decision, created_at desc, id desc) where decision in ('denied', 'cancelled')`,
  // A hash, because a state may be longer than an entry of a tree.
  'create index requests_by_state on delegated_access_requests using hash (state) where state is not null',
  // Dead letters: of one service account, to one host, and all.
  `create index dead_letters_of_service_account on delegated_access_requests
    (service_account_id, created_at desc, id desc) where callback = 'abandoned'`,
  `create index dead_letters_of_host on delegated_access_requests
    (lower(substring(callback_url from '://([^/?#]*)')), created_at desc, id desc)
    where callback = 'abandoned' and abandoned_because <> 'withdrawn'`,
  `create index dead_letters on delegated_access_requests (created_at desc, id desc)
    where callback = 'abandoned' and abandoned_because <> 'withdrawn'`,

  `create table callback_hosts (
    client_id text not null,
    host text not null,
    failures int not null,
    failed_probes int not null,
    failing_since timestamptz not null,
    open_until timestamptz,
    last_failure text not null,
    primary key (client_id, host)
  )`,

  `create table callback_attempts (
    request_id text not null references delegated_access_requests (id) deferrable initially deferred,
    number int not null,
    started_at timestamptz not null,
    milliseconds int,
    status int,
    failure text,
    primary key (request_id, number)
  )`,

  // Written with every act, and emptied by the chainer a second later: one small index, and nothing that acts share.
  `create table audit_arrivals (
    id bigint generated always as identity,
    client_id text not null,
    at timestamptz(3) not null,
    act text not null,
    actor text not null,
    address text,
    request_id text,
    service_account_id text,
    mailbox text,
    subject text,
    reason text,
    details text,
    primary key (client_id, id)
  )`,
  `create table audit_events (
    client_id text not null,
    sequence bigint not null,
    version smallint not null,
    at timestamptz(3) not null,
    act text not null,
    actor text not null,
    address text,
    request_id text,
    service_account_id text,
    mailbox text,
    subject text,
    reason text,
    details text,
    previous text not null,
    hash text not null,
    primary key (client_id, sequence)
  )`,
  // Who could read this mailbox, and who did.
  'create index audit_events_of_mailbox on audit_events (mailbox, act, at) where mailbox is not null',
  `create table audit_heads (
    client_id text primary key,
    sequence bigint not null,
    hash text not null,
    signed_at timestamptz(3) not null,
    signature text not null
  )`,

  // The columns are rate-limiter-flexible's. What a crash empties here is a minute's counts.
  `create unlogged table rate_limits (
    key varchar(255) primary key,
    points integer not null,
    expire bigint not null
  )`,
  'create index rate_limits_expired on rate_limits (expire)',
]
