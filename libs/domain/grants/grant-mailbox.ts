import { newId, type RandomSource } from '#platform/secrets/random.js'

/**
 * Grants the mailboxes that a CTE `wanted` describes, by the columns `account_id`, `profile_id`, `grant_id`, `granted_at`,
 * `client_id`, `service_account_id`, `provider`, `email`, `kind`, `display_name`, `provider_user_id` and `scope`; leaves
 * CTEs `account` and `granted`. Text, so that the main path can decide and grant in one statement. The same mailbox
 * keeps its account id however often it is granted, also by two requests at once and under whatever address; each grant
 * has tokens of its own. In one order, so that two batches never wait for each other.
 */
export const GRANT_WANTED_MAILBOX = `
  account as (
    insert into accounts (id, client_id, service_account_id, provider, email, kind, display_name, provider_user_id,
      profile_id, created_at)
    select distinct on (service_account_id, provider_user_id) account_id, client_id, service_account_id, provider, email, kind, display_name, provider_user_id, profile_id,
      granted_at
    from wanted
    order by service_account_id, provider_user_id
    on conflict (service_account_id, provider_user_id) do update
      set email = excluded.email, kind = excluded.kind, display_name = excluded.display_name
    returning id, service_account_id, provider_user_id
  ), granted as (
    insert into grants (id, client_id, service_account_id, account_id, kind, scope, refresh_generation, created_at)
    select grant_id, client_id, service_account_id, account.id, kind, scope, 0, granted_at
    from wanted join account using (service_account_id, provider_user_id)
    returning id, account_id
  )`

/** For the columns `account_id`, `profile_id` and `grant_id` of `wanted`. */
export const newMailboxIds = (random: RandomSource): [accountId: string, profileId: string, grantId: string] => [
  newId(random, 'acc'),
  newId(random, 'pro'),
  newId(random, 'gra'),
]
