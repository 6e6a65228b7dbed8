import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { Run } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { newId, RandomSource } from '#platform/secrets/random.js'

export interface GrantedMailbox {
  clientId: string
  serviceAccountId: string
  provider: 'google' | 'microsoft'
  email: string
  kind: 'person' | 'room'
  displayName: string | null
  providerUserId: string
  scope: readonly string[]
}

/**
 * Grants the mailbox that a CTE `wanted` describes (columns as in {@link GRANT}), and leaves CTEs `account` and `granted`.
 * Text, so that the main path can decide and grant in one statement. The same mailbox keeps its account id however
 * often it is granted, also by two requests at once; each grant has tokens of its own.
 */
export const GRANT_WANTED_MAILBOX = `
  account as (
    insert into accounts (id, client_id, service_account_id, provider, email, kind, display_name, provider_user_id,
      profile_id, created_at)
    select account_id, client_id, service_account_id, provider, email, kind, display_name, provider_user_id, profile_id,
      granted_at
    from wanted
    on conflict (service_account_id, email) do update
      set kind = excluded.kind, display_name = excluded.display_name, provider_user_id = excluded.provider_user_id
    returning id
  ), granted as (
    insert into grants (id, client_id, service_account_id, account_id, scope, refresh_generation, created_at)
    select wanted.grant_id, client_id, service_account_id, account.id, scope, 0, granted_at from wanted, account
    returning id, account_id
  )`

const GRANT = defineStatement<{ id: string; account_id: string }>(
  'grant-mailbox',
  `with wanted as (
     select $1::text as account_id, $2::text as profile_id, $3::text as grant_id, $4::timestamptz as granted_at,
       $5::text as client_id, $6::text as service_account_id, $7::text as provider, $8::text as email,
       $9::text as kind, $10::text as display_name, $11::text as provider_user_id, $12::text[] as scope
   ), ${GRANT_WANTED_MAILBOX}
   select id, account_id from granted`,
)

@Injectable()
export class GrantMailbox {
  constructor(
    private readonly clock: Clock,
    private readonly random: RandomSource,
  ) {}

  /** For the columns `account_id`, `profile_id` and `grant_id` of `wanted`. */
  newIds(): [accountId: string, profileId: string, grantId: string] {
    return [newId(this.random, 'acc'), newId(this.random, 'pro'), newId(this.random, 'gra')]
  }

  async grant(run: Run, to: GrantedMailbox): Promise<{ accountId: string; grantId: string }> {
    const [row] = await run(GRANT, [
      ...[...this.newIds(), this.clock.now()],
      ...[to.clientId, to.serviceAccountId, to.provider, to.email],
      ...[to.kind, to.displayName, to.providerUserId, to.scope],
    ])
    return { accountId: row!.account_id, grantId: row!.id }
  }
}
