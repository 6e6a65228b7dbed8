import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import type { CallerUser } from '#domain/clients/verify-user-token.js'
import { DisconnectedCredentials } from '#domain/credentials/disconnected-credentials.js'
import type { Account } from '#domain/grants/account.entity.js'
import { ConnectedAccounts } from '#domain/grants/connected-accounts.js'
import { Grant } from '#domain/grants/grant.entity.js'
import { RevokeGrants } from '#domain/grants/revoke-grants.js'
import { Clock } from '#platform/clock/clock.js'
import { Database, type Tx } from '#platform/database/database.js'
import { notFound } from '#platform/errors/api-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import { type Authorization, authorizationIdOf } from './authorization.js'
import { TakeBackConsent } from './take-back-consent.js'

/** The whole account, or one of the things that it was connected for. */
export type WhatToDisconnect = { accountId: string } | { grantId: string }

/** What was live until now, and whether nothing stands on the account any more. */
export interface Disconnected {
  account: Account
  ended: Grant[]
  isOver: boolean
}

/**
 * Ends what a user of a client has connected. From the commit on nobody acts with it; when nothing stands on the account any
 * more, it is taken back at the provider too: at once where that one answers, else by the timer that tries again.
 */
@Injectable()
export class DisconnectAccount {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly accounts: ConnectedAccounts,
    private readonly grants: RevokeGrants,
    private readonly credentials: DisconnectedCredentials,
    private readonly takeBackConsent: TakeBackConsent,
    private readonly log: Log,
  ) {}

  /**
   * @returns what has ended: what was live until now
   * @throws ApiError not_found, also for what has ended already and for another user's
   */
  async disconnect(user: CallerUser, what: WhatToDisconnect): Promise<Authorization[]> {
    const disconnected = await this.database.inTransaction((tx) => this.end(tx, user, what))
    if (!disconnected) throw notFound('accountId' in what ? 'This account' : 'This authorization')
    await this.afterCommit(disconnected)
    const { provider, email } = disconnected.account
    return disconnected.ended.map(({ id, scope, createdAt }) => ({
      ...{ id: authorizationIdOf(id), userId: user.userId, provider, email, scope, createdAt },
    }))
  }

  /** A part of a transaction that ends more; {@link afterCommit} follows. Null where nothing of it is there, or live. */
  async end(tx: Tx, user: CallerUser, what: WhatToDisconnect): Promise<Disconnected | null> {
    const account = await this.#lock(tx, user, what)
    if (!account) return null
    const live = await this.accounts.grantsOf(tx, account.id)
    const ended = 'grantId' in what ? live.filter(({ id }) => id === what.grantId) : live
    if ('grantId' in what && ended.length === 0) return null
    const isOver = ended.length === live.length
    const hadCredential = isOver && (await this.credentials.disconnect(tx, account.id))
    if (ended.length === 0 && !hadCredential) return null
    await this.grants.revokeThese(tx, ended)
    await this.#record(tx, account, ended)
    return { account, ended, isOver }
  }

  async afterCommit({ account: { id, clientId }, ended, isOver }: Disconnected): Promise<void> {
    failPoint('disconnect-account.committed')
    this.log.info('account.disconnected', { client: clientId, account: id, grants: ended.length })
    if (isOver) await this.takeBackConsent.takeBack(id)
  }

  async #lock(tx: Tx, user: CallerUser, what: WhatToDisconnect): Promise<Account | null> {
    const [id] = Object.values(what) as [string]
    // What cannot be an id of ours, PostgreSQL may not even be able to look for.
    if (!/^\w+$/.test(id)) return null
    if ('accountId' in what) return this.accounts.lockOfUser(tx, id, user)
    const grant = await tx.findOne(Grant, { id, clientId: user.clientId })
    return grant?.accountId ? this.accounts.lockOfUser(tx, grant.accountId, user) : null
  }

  #record(tx: Tx, { id: subject, clientId, email: mailbox }: Account, ended: Grant[]): Promise<void> {
    const details = { grants: ended.length }
    return recordAct(tx, { clientId, at: this.clock.now(), act: 'grant.revoked', mailbox, subject, details })
  }
}
