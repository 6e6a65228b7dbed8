import { Migration } from '@mikro-orm/migrations'

/**
 * Entities stay the readable description of each table; this is what the database was really told. References are
 * checked at commit: entities name one another by id only, so the unit of work cannot know an order of inserts.
 * What is written for every mailbox does not reference clients and service accounts: each check would lock the one row
 * that all mailboxes of an organisation share, and neither kind of row is ever deleted.
 */
export class Initial extends Migration {
  override up(): void {
    const tables = [
      KEYS,
      CLIENTS,
      SERVICE_ACCOUNTS,
      CALLS_TO_PROVIDERS,
      GRANTS,
      REQUESTS,
      CONNECTED_ACCOUNTS,
      EVENTS,
      AUDIT,
      RATE_LIMITS,
    ]
    for (const statement of tables.flat()) this.addSql(statement)
  }
}

const KEYS = [
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
]

const CLIENTS = [
  `create table clients (
    id text primary key,
    name text not null,
    redirect_uris text[] not null,
    callback_origins text[] not null,
    sealed_signing_secret text not null,
    jwks jsonb,
    jwks_uri text,
    event_url text,
    may_hold_provider_tokens boolean not null default false,
    created_at timestamptz not null,
    disabled_at timestamptz,
    check (jwks is null or jwks_uri is null)
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

  `create table user_token_secrets (
    id text primary key,
    client_id text not null references clients (id) deferrable initially deferred,
    sealed_secret text not null,
    created_at timestamptz not null,
    expires_at timestamptz
  )`,
  'create index user_token_secrets_of_client on user_token_secrets (client_id)',

  `create table api_keys (
    id text primary key,
    client_id text not null references clients (id) deferrable initially deferred,
    key_hash text not null unique,
    scope text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
  )`,
  'create index api_keys_of_client on api_keys (client_id, id)',
]

const SERVICE_ACCOUNTS = [
  `create table provider_credentials (
    id text primary key,
    provider text not null,
    client_id text references clients (id) deferrable initially deferred,
    sealed_credential text,
    sign_in_client_id text,
    sealed_sign_in_secret text,
    version text not null,
    expires_at timestamptz,
    warned_days int,
    sealed_former_credential text,
    former_expires_at timestamptz,
    former_replaced_at timestamptz,
    updated_at timestamptz not null
  )`,
  `create unique index provider_credentials_one_per_owner on provider_credentials (provider, coalesce(client_id, ''))`,
  'create index provider_credentials_expiring on provider_credentials (expires_at) where expires_at is not null',

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
    credential_expires_at timestamptz,
    warned_days int,
    former_credential_source text,
    sealed_former_credential text,
    former_expires_at timestamptz,
    former_replaced_at timestamptz,
    scope text[] not null,
    delegated_scope text[] not null,
    narrowed_to text[],
    narrowed_kinds text[],
    state text not null default 'active',
    state_reason text,
    state_since timestamptz,
    probe_at timestamptz,
    probing_since timestamptz,
    probed_at timestamptz,
    failed_probes int not null default 0,
    holds_requests boolean not null default false,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    revoked_at timestamptz
  )`,
  `create unique index service_accounts_one_live_per_organisation
    on service_accounts (client_id, provider, organisation_id) where revoked_at is null`,
  // What the timers ask for: few rows, however many service accounts there are.
  'create index service_accounts_to_probe on service_accounts (probe_at) where probe_at is not null',
  `create index service_accounts_not_active on service_accounts (state)
    where state <> 'active' and revoked_at is null`,
  'create index service_accounts_holding on service_accounts (id) where holds_requests',
  `create index service_accounts_expiring on service_accounts (credential_expires_at)
    where credential_expires_at is not null`,
  `create index service_accounts_with_former on service_accounts (former_replaced_at)
    where former_replaced_at is not null`,
  'create index service_accounts_of_client on service_accounts (client_id, id)',
  'create index service_accounts_of_organisation on service_accounts (organisation_id)',

  `create table consents (
    id text primary key,
    client_id text not null references clients (id),
    redirect_uri text not null,
    scope text[] not null,
    delegated_scope text[] not null,
    encoded_state text,
    code_challenge text,
    cookie_hash text not null,
    begun_at timestamptz,
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
  `create index consents_with_secrets on consents (expires_at)
    where sealed_credential is not null or sealed_sign_in is not null`,
]

const CALLS_TO_PROVIDERS = [
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
]

const GRANTS = [
  // Of a service account, or connected by the person whose account it is: then perhaps of a user of the client.
  `create table accounts (
    id text primary key,
    client_id text not null,
    service_account_id text,
    user_id text,
    provider text not null,
    email text not null,
    kind text not null,
    display_name text,
    provider_user_id text not null,
    organisation_id text,
    profile_id text not null,
    created_at timestamptz not null,
    unique (service_account_id, provider_user_id),
    check (service_account_id is null or user_id is null)
  )`,
  `create unique index accounts_one_per_user on accounts
    (client_id, coalesce(user_id, ''), provider, coalesce(organisation_id, ''), provider_user_id)
    where service_account_id is null`,
  'create index accounts_of_user on accounts (client_id, user_id, created_at desc, id desc) where user_id is not null',
  'create index accounts_of_mailbox on accounts (service_account_id, email)',
  `create index accounts_rooms on accounts (service_account_id) where kind = 'room'`,

  `create table grants (
    id text primary key,
    client_id text not null,
    service_account_id text,
    account_id text references accounts (id) deferrable initially deferred,
    kind text,
    scope text[] not null,
    refresh_generation int not null default 0,
    created_at timestamptz not null,
    revoked_at timestamptz,
    check (service_account_id is not null or account_id is not null),
    check (service_account_id is null or account_id is null or kind is not null)
  )`,
  // What a revoked service account still has to end.
  'create index grants_of_service_account on grants (service_account_id) where revoked_at is null',
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
  // Those of callbacks leave with their request.
  'create index codes_expiring on codes (expires_at) where request_id is null',

  `create table access_tokens (
    token_hash text primary key,
    grant_id text not null references grants (id) deferrable initially deferred,
    scope text[],
    created_at timestamptz not null,
    expires_at timestamptz not null
  )`,
  'create index access_tokens_of_grant on access_tokens (grant_id)',
  'create index access_tokens_expiring on access_tokens (expires_at)',

  `create table refresh_tokens (
    token_hash text primary key,
    grant_id text not null references grants (id) deferrable initially deferred,
    generation int not null,
    created_at timestamptz not null,
    used_at timestamptz
  )`,
  'create index refresh_tokens_of_grant on refresh_tokens (grant_id)',
  'create index refresh_tokens_by_age on refresh_tokens (created_at)',
]

const REQUESTS = [
  `create table delegated_access_requests (
    id text primary key,
    client_id text not null,
    service_account_id text not null,
    idempotency_key text,
    fingerprint text not null,
    email text not null,
    callback_url text not null,
    callback_host text not null,
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
    next_attempt_at timestamptz,
    ring_at timestamptz,
    held_since timestamptz,
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
  'create index requests_of_mailbox on delegated_access_requests (service_account_id, email)',
  // What waits for a failing service account to come back.
  `create index requests_held on delegated_access_requests (service_account_id, held_since)
    where held_since is not null and decision = 'pending'`,
  // Lists by state. What most rows have come to needs none: a page of them is found at once in the order of time.
  // What waits is also what a revoked service account stops, however much it has had done.
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
    (callback_host, created_at desc, id desc)
    where callback = 'abandoned' and abandoned_because <> 'withdrawn'`,
  `create index dead_letters on delegated_access_requests (created_at desc, id desc)
    where callback = 'abandoned' and abandoned_because <> 'withdrawn'`,

  `create table callback_attempts (
    request_id text not null references delegated_access_requests (id) deferrable initially deferred,
    number int not null,
    started_at timestamptz not null,
    milliseconds int,
    status int,
    failure text,
    primary key (request_id, number)
  )`,

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
]

const CONNECTED_ACCOUNTS = [
  // Found by `id`, as everything that is sealed; it is the account's.
  `create table user_credentials (
    id text primary key references accounts (id) deferrable initially deferred,
    client_id text not null,
    provider text not null,
    provider_user_id text not null,
    organisation_id text,
    cloud text,
    registration_id text not null,
    sealed_refresh_token text not null,
    granted_scopes text[] not null,
    version text not null,
    rotation int not null,
    claim_fence bigint not null,
    claimed_until timestamptz,
    refresh_token_updated_at timestamptz not null,
    access_token_updated_at timestamptz not null,
    last_checked_at timestamptz not null,
    last_checked_error text,
    requires_authentication_since timestamptz,
    check_at timestamptz,
    disconnected_at timestamptz
  ) with (fillfactor = 70)`,
  // Who else stands on the same consent at the provider.
  'create index user_credentials_of_consent on user_credentials (registration_id, provider_user_id)',
  'create index user_credentials_to_check on user_credentials (check_at) where check_at is not null',
  `create index user_credentials_to_take_back on user_credentials (coalesce(claimed_until, disconnected_at))
    where disconnected_at is not null`,

  // How a person connects an account, and what an integration is: see end-user-oauth.
  `create table integrations (
    id text primary key,
    client_id text not null references clients (id),
    user_id text not null,
    provider text not null,
    media_type text not null,
    grant_id text references grants (id) deferrable initially deferred,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz
  )`,
  'create index integrations_of_user on integrations (client_id, user_id, created_at desc, id desc) where deleted_at is null',
  'create index integrations_of_grant on integrations (grant_id) where grant_id is not null',
  'create index integrations_deleted on integrations (deleted_at) where deleted_at is not null',

  `create table sign_ins (
    id text primary key,
    client_id text not null references clients (id),
    dialect text not null,
    user_id text,
    integration_id text references integrations (id) deferrable initially deferred,
    scope text[] not null,
    scopes_beside text[] not null default '{}',
    provider text,
    login_hint text,
    redirect_uri text,
    encoded_state text,
    code_challenge text,
    cookie_hash text,
    step text not null,
    state_hash text,
    sealed_attempt text,
    hand_over_hash text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz
  )`,
  'create index sign_ins_expiring on sign_ins (expires_at)',
  'create index sign_ins_of_integration on sign_ins (integration_id) where integration_id is not null',
  'create index sign_ins_to_forget on sign_ins (expires_at) where sealed_attempt is not null',
]

const EVENTS = [
  `create table client_events (
    id text primary key,
    client_id text not null,
    type text not null,
    service_account_id text,
    data jsonb not null,
    delivery text not null,
    abandoned_because text,
    attempts int not null default 0,
    last_status int,
    last_failure text,
    lease_until timestamptz,
    next_attempt_at timestamptz,
    ring_at timestamptz,
    created_at timestamptz not null,
    redelivered_at timestamptz,
    ended_at timestamptz
  )`,
  'create index client_events_to_ring on client_events (ring_at) where ring_at is not null',
  'create index client_events_of_client on client_events (client_id, created_at desc, id desc)',
  'create index client_events_by_time on client_events (created_at desc, id desc)',
  `create index client_events_abandoned on client_events (client_id, created_at desc, id desc)
    where delivery = 'abandoned'`,
]

const AUDIT = [
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

  // A row lies in the month in which it got its place. A key over all months would have to hold the month, and keep nothing out.
  `create table audit_events (
    client_id text not null,
    sequence bigint not null,
    version smallint not null,
    month date not null,
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
    hash text not null
  ) partition by range (month)`,
  // Lists of a period, and of one service account; both in the order of a chain.
  'create index audit_events_by_time on audit_events (client_id, at, sequence)',
  `create index audit_events_of_service_account on audit_events (service_account_id, sequence)
    where service_account_id is not null`,
  // Who could read this mailbox, and who did.
  'create index audit_events_of_mailbox on audit_events (mailbox, act, at) where mailbox is not null',

  // The month is that of the newest row, or one before it: where to look for that row.
  `create table audit_heads (
    client_id text primary key,
    sequence bigint not null,
    hash text not null,
    month date not null default '-infinity',
    signed_at timestamptz(3) not null,
    signature text not null
  )`,

  // Where each chain begins, once what is older has left; one row for each time. The newest counts.
  `create table audit_archives (
    month date primary key,
    statement text not null,
    signature text not null
  )`,

  // Makes a month and the two that follow, with the rights of its owner: the processes need not be allowed to create tables.
  // Attaching waits for no reader.
  `create function make_audit_months(since date) returns void
    language plpgsql security definer set search_path = public, pg_temp as $$
    declare
      first date;
      name text;
    begin
      if since > now() + interval '1 year' then raise exception '% is too far ahead', since; end if;
      for n in 0..2 loop
        first := date_trunc('month', since::timestamp)::date + n * interval '1 month';
        name := 'audit_events_' || to_char(first, 'YYYY_MM');
        continue when to_regclass(format('public.%I', name)) is not null;
        perform pg_advisory_xact_lock(7402613);
        continue when to_regclass(format('public.%I', name)) is not null
          or exists (select from audit_archives where month >= first);
        execute format('create table %I (like audit_events, primary key (client_id, sequence))', name);
        execute format('alter table audit_events attach partition %I for values from (%L) to (%L)',
          name, first, (first + interval '1 month')::date);
      end loop;
    end $$`,
]

const RATE_LIMITS = [
  // The columns are rate-limiter-flexible's. What a crash empties here is a minute's counts.
  `create unlogged table rate_limits (
    key varchar(255) primary key,
    points integer not null,
    expire bigint not null
  )`,
  'create index rate_limits_expired on rate_limits (expire)',
]
