import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { ServiceAccountStates } from '#domain/credentials/service-account-states.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { UserCredentials } from '#domain/credentials/user-credentials.js'
import type { Account } from '#domain/grants/account.entity.js'
import { EndMailbox } from '#domain/grants/end-mailbox.js'
import type { Grant } from '#domain/grants/grant.entity.js'
import { type DelegatedScope, permissionsOf } from '#domain/providers/delegated-scopes.js'
import { organisationOf } from '#domain/providers/organisation.js'
import type { HandedToken, ProviderName } from '#domain/providers/provider.port.js'
import { accessEnded, endsGrants, tokenTooWide } from '#domain/providers/provider-errors.js'
import { Providers } from '#domain/providers/providers.js'
import { openedBesides, userScopesForPermissions } from '#domain/providers/user-scopes.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { invalidToken } from '#platform/errors/api-error.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { RateLimits } from '#platform/rate-limits/rate-limits.js'

export interface HandedOver {
  token: HandedToken['token']
  expiresInSeconds: number
  scope: readonly DelegatedScope[]
  grant: Grant
}

/** The provider's own token of a mailbox for a client that may have one: counted, got by whoever opens the mailbox, on record. */
@Injectable()
export class HandOverToken {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly limits: RateLimits,
    private readonly serviceAccounts: ServiceAccounts,
    private readonly states: ServiceAccountStates,
    private readonly endMailbox: EndMailbox,
    private readonly userCredentials: UserCredentials,
    private readonly providers: Providers,
  ) {}

  /** @throws ApiError too_many_requests, invalid_token; ProviderError `grant.token_too_wide`, and whatever the provider says */
  async handOver(grant: Grant, account: Account, scope: readonly DelegatedScope[]): Promise<HandedOver> {
    await this.limits.providerTokens.count(account.id)
    refuseWider(account.provider, scope)
    const { token, usableUntil } = grant.serviceAccountId
      ? await this.#byServiceAccount(grant.serviceAccountId, account, scope)
      : await this.#byItsOwner(account, scope)
    const now = this.clock.now()
    const expiresInSeconds = Math.max(1, Math.floor((usableUntil.getTime() - now.getTime()) / 1000))
    await this.database.inTransaction((tx) =>
      recordAct(tx, {
        ...{ clientId: grant.clientId, at: now, act: 'provider_token.handed_over' },
        ...{ serviceAccountId: grant.serviceAccountId, mailbox: account.email, subject: grant.id },
        details: { provider: account.provider, scope: [...scope], expires_in: expiresInSeconds },
      }),
    )
    return { token, expiresInSeconds, scope, grant }
  }

  async #byServiceAccount(id: string, account: Account, scope: readonly DelegatedScope[]): Promise<HandedToken> {
    const serviceAccount = await this.database.read((em) => this.serviceAccounts.find(em, id))
    if (!serviceAccount || serviceAccount.revokedAt) throw invalidToken()
    const { credential, version } = await this.serviceAccounts.credentialWithSecret(this.database, serviceAccount)
    const organisation = organisationOf(serviceAccount, credential, version)
    try {
      const provider = this.providers.organisation(account.provider)
      const token = await provider.tokenFor(organisation, account, permissionsOf(scope))
      await this.states.worked(serviceAccount)
      return token
    } catch (error) {
      if (error instanceof ProviderError) await this.states.refused(serviceAccount, error)
      if (error instanceof ProviderError && endsGrants(error)) await this.endMailbox.end(account.id, error.code)
      throw error
    }
  }

  async #byItsOwner({ id, provider }: Account, scope: readonly DelegatedScope[]): Promise<HandedToken> {
    const connected = await this.userCredentials.findConnection(id)
    if (!connected) throw accessEnded(provider)
    const scopes = userScopesForPermissions(provider, permissionsOf(scope))
    return this.providers.userAccess(provider).tokenFor(connected, scopes)
  }
}

/** The proxy keeps to the scope by the call; a token has nothing to keep to but the provider's own scopes. */
function refuseWider(provider: ProviderName, scope: readonly DelegatedScope[]): void {
  const besides = openedBesides(provider, permissionsOf(scope))
  if (besides.length > 0)
    throw tokenTooWide(
      provider,
      `The provider has no token for ${scope.join(' ')} that does not also open ${besides.join(' ')}.`,
    )
}
