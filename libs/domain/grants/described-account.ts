import type { Account } from './account.entity.js'

/** What is said of an account wherever one of its tokens is given out or shown. */
export interface DescribedAccount extends Pick<Account, 'id' | 'provider' | 'email' | 'displayName' | 'profileId'> {
  /** Its owner has connected it, and no administrator has a part in it. */
  isOwners: boolean
  /** Where its owner has connected it; null for people who belong to none at Google. */
  organisationId: string | null
  /** False where its owner has to sign in again. */
  connected: boolean
}

/** Beside a grant. */
export interface WithDescribedAccount {
  /** Null: the grant is a service account's own. */
  account: DescribedAccount | null
}

/** A column beside `grants g`. A query of its own, because what is joined makes the whole longer to plan. */
export const DESCRIBED_ACCOUNT = `(
    select json_build_object(
      'id', a.id, 'provider', a.provider, 'email', a.email, 'displayName', a.display_name, 'profileId', a.profile_id,
      'isOwners', a.service_account_id is null,
      'organisationId', case a.provider when 'google' then u.organisation_id else a.organisation_id end,
      'connected', a.service_account_id is not null
        or (u.id is not null and u.disconnected_at is null and u.requires_authentication_since is null))
    from accounts a left join user_credentials u on u.id = a.id where a.id = g.account_id) as account`
