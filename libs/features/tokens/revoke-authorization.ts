import { Injectable } from '@nestjs/common'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { Grant } from '#domain/grants/grant.entity.js'
import { RevokeGrants } from '#domain/grants/revoke-grants.js'
import { Tokens } from '#domain/grants/tokens.js'
import { Database, type Tx } from '#platform/database/database.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'

/** Either token of an authorization, or its `sub`. */
export type WhatToRevoke = { token: string } | { sub: string }

/**
 * Ends an authorization: of a mailbox, every grant of it; of a service account, itself and every grant under it. Its
 * queued work stops by itself, because each step asks first whether the service account still stands.
 */
@Injectable()
export class RevokeAuthorization {
  constructor(
    private readonly database: Database,
    private readonly tokens: Tokens,
    private readonly grants: RevokeGrants,
    private readonly serviceAccounts: ServiceAccounts,
    private readonly log: Log,
  ) {}

  /** Says nothing about whether there was something to revoke, or whose it was (RFC 7009 section 2.2). */
  async revoke(clientId: string, what: WhatToRevoke): Promise<void> {
    const ended = await this.database.inTransaction(async (tx) => {
      const grant = await this.#findGrant(tx, what)
      if (!grant || grant.clientId !== clientId) return 0
      if (grant.accountId) return this.grants.revokeAllOfAccount(tx, grant.accountId)
      await this.serviceAccounts.revoke(tx, grant.serviceAccountId)
      failPoint('revoke-authorization.committing')
      return this.grants.revokeAllOfServiceAccount(tx, grant.serviceAccountId)
    })
    failPoint('revoke-authorization.committed')
    this.log.info('authorization.revoked', { client: clientId, grants: ended })
  }

  #findGrant(tx: Tx, what: WhatToRevoke): Promise<Grant | null> {
    if ('token' in what) return this.tokens.findGrantByAnyToken(tx, what.token)
    const ofServiceAccount = { serviceAccountId: what.sub, accountId: null }
    return tx.findOne(Grant, what.sub.startsWith('ser_') ? ofServiceAccount : { accountId: what.sub })
  }
}
