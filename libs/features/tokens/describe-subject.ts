import { Injectable } from '@nestjs/common'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { Account } from '#domain/grants/account.entity.js'
import type { Grant } from '#domain/grants/grant.entity.js'
import { Database } from '#platform/database/database.js'
import { notFound } from '#platform/errors/api-error.js'

export type Subject =
  | { kind: 'account'; account: Account }
  | { kind: 'service account'; serviceAccount: ServiceAccount }

/** Who a token is about. */
@Injectable()
export class DescribeSubject {
  constructor(
    private readonly database: Database,
    private readonly serviceAccounts: ServiceAccounts,
  ) {}

  describe({ accountId, serviceAccountId }: Grant): Promise<Subject> {
    return this.database.read(async (em) => {
      if (accountId) return { kind: 'account', account: await em.findOneOrFail(Account, { id: accountId }) }
      const serviceAccount = await this.serviceAccounts.find(em, serviceAccountId)
      if (!serviceAccount) throw notFound('This service account')
      return { kind: 'service account', serviceAccount }
    })
  }
}
