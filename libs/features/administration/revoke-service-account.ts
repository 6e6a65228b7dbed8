import { Injectable } from '@nestjs/common'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { type Revoked, RevokeServiceAccounts } from '#domain/grants/revoke-service-accounts.js'
import { ShowServiceAccount } from './show-service-account.js'

export interface RevokedServiceAccount {
  account: ServiceAccount
  revoked: Revoked
}

const NOTHING: Revoked = { grants: 0, codes: 0, tokens: 0, requests: 0 }

/** The same as when its client revokes it. */
@Injectable()
export class RevokeServiceAccount {
  constructor(
    private readonly show: ShowServiceAccount,
    private readonly serviceAccounts: RevokeServiceAccounts,
  ) {}

  /** A second time ends nothing more. @throws ApiError not_found */
  async revoke(id: string): Promise<RevokedServiceAccount> {
    await this.show.show(id)
    const revoked = (await this.serviceAccounts.revoke(id)) ?? NOTHING
    return { account: await this.show.show(id), revoked }
  }
}
