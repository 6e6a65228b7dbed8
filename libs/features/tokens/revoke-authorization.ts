import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { DisconnectedCredentials } from '#domain/credentials/disconnected-credentials.js'
import { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { Account } from '#domain/grants/account.entity.js'
import { ConnectedAccounts } from '#domain/grants/connected-accounts.js'
import { Grant, ownServiceAccountOf } from '#domain/grants/grant.entity.js'
import { RevokeGrants } from '#domain/grants/revoke-grants.js'
import { type Revoked, RevokeServiceAccounts } from '#domain/grants/revoke-service-accounts.js'
import { Tokens } from '#domain/grants/tokens.js'
import { Clock } from '#platform/clock/clock.js'
import { Database, type Em } from '#platform/database/database.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'

/** Either token of an authorization, or its `sub`. */
export type WhatToRevoke = { token: string } | { sub: string }

/**
 * Ends an authorization: of a mailbox, every grant of it, and what its owner has connected it with; of a service account, itself, every grant under it, and what is
 * under way for it.
 */
@Injectable()
export class RevokeAuthorization {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly tokens: Tokens,
    private readonly grants: RevokeGrants,
    private readonly connectedAccounts: ConnectedAccounts,
    private readonly disconnectedCredentials: DisconnectedCredentials,
    private readonly serviceAccounts: RevokeServiceAccounts,
    private readonly log: Log,
  ) {}

  /**
   * What ended with a service account; null for everything else: nothing is said about whether there was something to
   * revoke, or whose it was (RFC 7009 section 2.2).
   */
  async revoke(clientId: string, what: WhatToRevoke): Promise<Revoked | null> {
    if ('sub' in what && what.sub.startsWith('ser_')) return this.#revokeServiceAccount(clientId, what.sub)
    const grant = await this.database.read((em) => this.#findGrant(em, what))
    if (!grant || grant.clientId !== clientId) return null
    const serviceAccountId = ownServiceAccountOf(grant)
    if (serviceAccountId) return this.serviceAccounts.revoke(serviceAccountId)
    const ended = await this.#revokeMailbox(grant, grant.accountId!)
    this.log.info('authorization.revoked', { client: clientId, grants: ended })
    return null
  }

  async #revokeServiceAccount(clientId: string, id: string): Promise<Revoked | null> {
    const account = await this.database.read((em) => em.findOne(ServiceAccount, { id, clientId }))
    return account && this.serviceAccounts.revoke(id)
  }

  async #revokeMailbox({ clientId, serviceAccountId }: Grant, accountId: string): Promise<number> {
    const ended = await this.database.inTransaction(async (tx) => {
      const isConnected = serviceAccountId == null
      if (isConnected) await this.connectedAccounts.lock(tx, accountId)
      const grants = await this.grants.revokeAllOfAccount(tx, accountId)
      if (grants === 0) return 0
      // Nothing stands on it any more: a timer takes it back at the provider, so nobody waits for that one here.
      if (isConnected) await this.disconnectedCredentials.disconnect(tx, accountId)
      const { email: mailbox } = await tx.findOneOrFail(Account, { id: accountId })
      await recordAct(tx, {
        ...{ clientId, at: this.clock.now(), act: 'grant.revoked', serviceAccountId, mailbox, subject: accountId },
        details: { grants },
      })
      failPoint('revoke-authorization.committing')
      return grants
    })
    failPoint('revoke-authorization.committed')
    return ended
  }

  #findGrant(em: Em, what: WhatToRevoke): Promise<Grant | null> {
    if ('token' in what) return this.tokens.findGrantByAnyToken(em, what.token)
    return em.findOne(Grant, { accountId: what.sub })
  }
}
