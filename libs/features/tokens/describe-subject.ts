import { Injectable } from '@nestjs/common'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import type { Account } from '#domain/grants/account.entity.js'
import type { Grant } from '#domain/grants/grant.entity.js'
import { MICROSOFT_CONSUMERS } from '#domain/providers/provider.port.js'
import { Database } from '#platform/database/database.js'
import { defineLookup } from '#platform/database/statement.js'
import { notFound } from '#platform/errors/api-error.js'

export type Subject =
  | { kind: 'account'; account: DescribedAccount }
  | { kind: 'service account'; serviceAccount: ServiceAccount }

export interface DescribedAccount extends Pick<Account, 'id' | 'provider' | 'email' | 'displayName' | 'profileId'> {
  /** False where its owner has connected it, and has to sign in again. */
  connected: boolean
  /** Its owner's own, of no organisation. */
  isConsumers: boolean
}

/** Part of every token answer of a mailbox. By account. */
const FIND_ACCOUNT = defineLookup<DescribedAccount>(
  'find-described-account',
  `select a.id as asked, a.id, a.provider, a.email, a.display_name as "displayName", a.profile_id as "profileId",
     a.service_account_id is null and case a.provider when 'google' then u.organisation_id is null
       else a.organisation_id = '${MICROSOFT_CONSUMERS}' end as "isConsumers",
     a.service_account_id is not null
       or (u.id is not null and u.disconnected_at is null and u.requires_authentication_since is null) as connected
   from accounts a left join user_credentials u on u.id = a.id where a.id = any ($1::text[])`,
)

/** Who a token is about. */
@Injectable()
export class DescribeSubject {
  constructor(
    private readonly database: Database,
    private readonly serviceAccounts: ServiceAccounts,
  ) {}

  async describe({ accountId, serviceAccountId }: Grant): Promise<Subject> {
    if (accountId) {
      const [account] = await this.database.lookUp(FIND_ACCOUNT, accountId)
      if (!account) throw notFound('This account')
      return { kind: 'account', account }
    }
    const serviceAccount = await this.database.read((em) => this.serviceAccounts.find(em, serviceAccountId!))
    if (!serviceAccount) throw notFound('This service account')
    return { kind: 'service account', serviceAccount }
  }
}
