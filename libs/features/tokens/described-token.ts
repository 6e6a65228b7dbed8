import { Injectable } from '@nestjs/common'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import {
  DESCRIBED_ACCOUNT,
  type DescribedAccount,
  type WithDescribedAccount,
} from '#domain/grants/described-account.js'
import { defineAccessTokenLookup, type FoundAccessToken } from '#domain/grants/token-statements.js'
import { Database } from '#platform/database/database.js'
import { notFound } from '#platform/errors/api-error.js'

export type Subject =
  | { kind: 'account'; account: DescribedAccount }
  | { kind: 'service account'; serviceAccount: ServiceAccount }

/** A token with whose it is, which is all that most calls here ask for. */
export const FIND_DESCRIBED_TOKEN = defineAccessTokenLookup<WithDescribedAccount>(
  'find-described-token',
  DESCRIBED_ACCOUNT,
)
export type DescribedToken = FoundAccessToken & WithDescribedAccount

/** Who a token is about. */
@Injectable()
export class DescribeSubject {
  constructor(
    private readonly database: Database,
    private readonly serviceAccounts: ServiceAccounts,
  ) {}

  async describe({ account, serviceAccountId }: DescribedToken): Promise<Subject> {
    if (account) return { kind: 'account', account }
    const serviceAccount = await this.database.read((em) => this.serviceAccounts.find(em, serviceAccountId!))
    if (!serviceAccount) throw notFound('This service account')
    return { kind: 'service account', serviceAccount }
  }
}
