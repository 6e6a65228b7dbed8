import { LockMode } from '@mikro-orm/core'
import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { Em, Tx } from '#platform/database/database.js'
import { newId, RandomSource } from '#platform/secrets/random.js'
import { Account } from './account.entity.js'
import { Grant } from './grant.entity.js'

/** Whose account it is: at the provider, and at the client. */
export interface ConnectedOwner {
  clientId: string
  /** What the client calls its user; null where it has named none. */
  userId: string | null
  provider: Account['provider']
  providerUserId: string
  /** Google: `hd`. Microsoft: `tid`. */
  organisationId: string | null
}

/**
 * The same account at the provider stays one account for each user of a client, however often it is connected; the row is
 * locked from here to the end of the transaction, so that two sign-ins at once come one after the other.
 */
const CONNECT = `insert into accounts (id, client_id, user_id, provider, email, kind, display_name, provider_user_id,
    organisation_id, profile_id, created_at)
  values (?, ?, ?, ?, ?, 'person', ?, ?, ?, ?, ?)
  on conflict (client_id, coalesce(user_id, ''), provider, coalesce(organisation_id, ''), provider_user_id)
    where service_account_id is null
  do update set email = excluded.email, display_name = excluded.display_name
  returning id`

/** In the words of the same unique index, so that it finds what `CONNECT` would. */
const FIND = `select id from accounts
  where client_id = ? and coalesce(user_id, '') = coalesce(?, '') and provider = ?
    and coalesce(organisation_id, '') = coalesce(?, '') and provider_user_id = ? and service_account_id is null`

/** Accounts that their owners have connected, and the grants for them. No administrator has a part in these. */
@Injectable()
export class ConnectedAccounts {
  constructor(
    private readonly clock: Clock,
    private readonly random: RandomSource,
  ) {}

  /** @returns the account's id: a new one, or the one that it always had */
  async connect(tx: Tx, owner: ConnectedOwner, shown: { email: string; displayName: string | null }): Promise<string> {
    const { clientId, userId, provider, providerUserId } = owner
    const [row] = await tx.execute<[{ id: string }]>(CONNECT, [
      ...[newId(this.random, 'acc'), clientId, userId, provider, shown.email, shown.displayName],
      ...[providerUserId, tenantOf(owner), newId(this.random, 'pro'), this.clock.now()],
    ])
    return row.id
  }

  /** @returns the id of the account that `connect` would find */
  async find(em: Em, owner: ConnectedOwner): Promise<string | null> {
    const { clientId, userId, provider, providerUserId } = owner
    const values = [clientId, userId, provider, tenantOf(owner), providerUserId]
    const [row] = await em.execute<{ id: string }[]>(FIND, values)
    return row?.id ?? null
  }

  /** An account that was connected for this very user of this client; nobody else connects or ends it meanwhile. */
  async lockOfUser(tx: Tx, id: string, user: { clientId: string; userId: string }): Promise<Account | null> {
    const owned = { id, clientId: user.clientId, userId: user.userId, serviceAccountId: null }
    return tx.findOne(Account, owned, { lockMode: LockMode.PESSIMISTIC_WRITE })
  }

  /** Nobody else connects or ends it until the end of the transaction. */
  async lock(tx: Tx, id: string): Promise<void> {
    await tx.execute('select from accounts where id = ? for update', [id])
  }

  /** The same, for the account of a grant. */
  async lockOfGrant(tx: Tx, grantId: string): Promise<void> {
    await tx.execute('select from accounts where id = (select account_id from grants where id = ?) for update', [
      grantId,
    ])
  }

  grantsOf(em: Em, accountId: string): Promise<Grant[]> {
    return em.find(Grant, { accountId, revokedAt: null }, { orderBy: { createdAt: 'asc', id: 'asc' } })
  }

  /** A grant with tokens of its own. */
  async grant(tx: Tx, account: { accountId: string; clientId: string }, scope: readonly string[]): Promise<Grant> {
    const grant = { id: newId(this.random, 'gra'), ...account, scope: [...scope], createdAt: this.clock.now() }
    await tx.insert(Grant, { ...grant, refreshGeneration: 0 })
    return tx.findOneOrFail(Grant, { id: grant.id })
  }

  /** The grant for exactly this, where there is one: nobody holds tokens of it, so one is enough. Only after `connect`. */
  async grantOnce(tx: Tx, account: { accountId: string; clientId: string }, scope: readonly string[]): Promise<Grant> {
    const wanted = [...scope].sort().join(' ')
    const live = await this.grantsOf(tx, account.accountId)
    return live.find((grant) => [...grant.scope].sort().join(' ') === wanted) ?? this.grant(tx, account, scope)
  }
}

/** Google's ids are unique by themselves; and a person may move from one organisation there to another. */
const tenantOf = ({ provider, organisationId }: ConnectedOwner) => (provider === 'microsoft' ? organisationId : null)
