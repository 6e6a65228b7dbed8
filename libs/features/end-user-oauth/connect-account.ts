import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { UserCredentials } from '#domain/credentials/user-credentials.js'
import type { Account } from '#domain/grants/account.entity.js'
import { ConnectedAccounts, type ConnectedOwner } from '#domain/grants/connected-accounts.js'
import type { Grant } from '#domain/grants/grant.entity.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { missingScopes, wordsForUserScope } from '#domain/providers/user-scopes.js'
import { Clock } from '#platform/clock/clock.js'
import type { Em, Tx } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { Secret } from '#platform/secrets/secret.js'
import { ConnectStop } from './connect.errors.js'
import { type Dialect, providerScopesOf } from './dialects.js'
import { Integration } from './integration.entity.js'
import type { KeptPerson } from './kept-person.js'

/** For whom an account is connected, and for what. */
export interface Purpose {
  dialect: Dialect
  clientId: string
  userId?: string | null
  provider: ProviderName
  scope: readonly string[]
  integrationId?: string | null
}

export interface Connected {
  accountId: string
  grant: Grant
  email: string
}

/** The last step of each way: who came becomes an account with a credential and a grant, all in one transaction. */
@Injectable()
export class ConnectAccount {
  constructor(
    private readonly clock: Clock,
    private readonly accounts: ConnectedAccounts,
    private readonly credentials: UserCredentials,
    private readonly log: Log,
  ) {}

  /**
   * Provider scopes that other grants of this account stand on and that this sign-in did not bring: what it brought takes the
   * place of what there was, so they would be lost.
   */
  async scopesLost(em: Em, purpose: Purpose, person: KeptPerson): Promise<string[]> {
    const accountId = await this.accounts.find(em, ownerOf(purpose, person))
    return accountId === null ? [] : this.#scopesLost(em, accountId, person, purpose)
  }

  async #scopesLost(em: Em, accountId: string, person: KeptPerson, { provider }: Purpose): Promise<string[]> {
    // Without a refresh token nothing is replaced.
    if (person.refreshToken === null) return []
    const grants = await this.accounts.grantsOf(em, accountId)
    const needed = grants.flatMap(({ scope }) => providerScopesOf(provider, scope))
    return missingScopes(provider, [...new Set(needed)], person.grantedScopes)
  }

  /**
   * @throws ConnectStop noRefreshToken, wrongAccount; wouldLose where something else was connected since the person was asked;
   *   beingTakenBack where what was brought may have ended by now: it is of no use for a second try
   */
  async connect(tx: Tx, purpose: Purpose, person: KeptPerson): Promise<Connected> {
    const { clientId, scope, dialect } = purpose
    const owner = ownerOf(purpose, person)
    const accountId = await this.accounts.connect(tx, owner, person)
    // Nobody else connects this account from here on; whoever did until now is seen.
    if ((await this.#scopesLost(tx, accountId, person, purpose)).length > 0) throw new ConnectStop('wouldLose')
    const kept = await this.credentials.keep(tx, {
      ...{ accountId, clientId, provider: owner.provider, providerUserId: owner.providerUserId },
      ...{ organisationId: person.organisation, cloud: person.cloud, registrationId: person.registrationId },
      refreshToken: person.refreshToken === null ? null : new Secret(person.refreshToken),
      grantedScopes: person.grantedScopes,
    })
    if (kept !== 'kept') throw new ConnectStop(kept === 'no refresh token' ? 'noRefreshToken' : 'beingTakenBack')
    // By OAuth each code buys tokens of its own; the others have none, and for them connecting again changes nothing.
    const once = dialect !== 'oauth'
    const grant = await this.accounts[once ? 'grantOnce' : 'grant'](tx, { accountId, clientId }, scope)
    if (purpose.integrationId) await this.#fulfil(tx, purpose, purpose.integrationId, { accountId, grant })
    const at = this.clock.now()
    const act = { clientId, at, act: 'account.connected', mailbox: person.email, subject: grant.id } as const
    await recordAct(tx, { ...act, details: { dialect, scope: [...scope], user: purpose.userId ?? null } })
    this.log.info('account.connected', { client: clientId, account: accountId, grant: grant.id })
    return { accountId, grant, email: person.email }
  }

  /** An integration that has an account keeps it: another one is another integration. */
  async #fulfil(tx: Tx, { clientId }: Purpose, id: string, connected: { accountId: string; grant: Grant }) {
    await tx.execute('select 1 from integrations where id = ? for update', [id])
    const integration = await tx.findOne(Integration, { id, clientId, deletedAt: null })
    if (!integration) throw new ConnectStop('clientChanged', { detail: `${id} is gone` })
    const before = integration.grantId && (await accountOf(tx, integration.grantId))
    if (before && before !== connected.accountId) throw new ConnectStop('wrongAccount')
    await tx.nativeUpdate(Integration, { id }, { grantId: connected.grant.id, updatedAt: this.clock.now() })
  }
}

/** What the person was asked for. */
export interface Asked {
  provider: ProviderName
  scope: readonly string[]
  scopesBeside: readonly string[]
  loginHint?: string | null
}

/** @throws ConnectStop partial, wrongAccount */
export function refuseIncomplete({ provider, scope, scopesBeside, loginHint }: Asked, person: KeptPerson): void {
  const asked = [...providerScopesOf(provider, scope), ...scopesBeside]
  const missing = missingScopes(provider, asked, person.grantedScopes)
  if (missing.length > 0) throw new ConnectStop('partial', { shown: missing.map(wordsForUserScope).join('; ') })
  if (loginHint && loginHint.toLowerCase() !== person.email.toLowerCase())
    throw new ConnectStop('wrongAccount', { shown: person.email })
}

async function accountOf(em: Em, grantId: string): Promise<string | null> {
  const [row] = await em.execute<{ account_id: string }[]>('select account_id from grants where id = ?', [grantId])
  return row?.account_id ?? null
}

const ownerOf = ({ clientId, userId, provider }: Purpose, person: KeptPerson): ConnectedOwner => ({
  ...{ clientId, userId: userId ?? null, provider: provider satisfies Account['provider'] },
  ...{ providerUserId: person.providerUserId, organisationId: person.organisation },
})
