import { Injectable } from '@nestjs/common'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccountStates } from '#domain/credentials/service-account-states.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { UserCredentials } from '#domain/credentials/user-credentials.js'
import type { Account } from '#domain/grants/account.entity.js'
import { EndMailbox } from '#domain/grants/end-mailbox.js'
import type { Grant } from '#domain/grants/grant.entity.js'
import type { DelegatedPermission } from '#domain/providers/delegated-scopes.js'
import { organisationOf } from '#domain/providers/organisation.js'
import type { MailboxAnswer, MailboxCall } from '#domain/providers/provider.port.js'
import { accessEnded, endsGrants } from '#domain/providers/provider-errors.js'
import { Providers } from '#domain/providers/providers.js'
import { Database } from '#platform/database/database.js'
import { defineLookup } from '#platform/database/statement.js'
import { insufficientScope, invalidToken } from '#platform/errors/api-error.js'
import { ProviderError } from '#platform/errors/provider-error.js'

export type CalledAccount = Pick<Account, 'id' | 'provider' | 'email' | 'kind' | 'providerUserId'>
type CallingServiceAccount = Pick<
  ServiceAccount,
  | ('id' | 'clientId' | 'provider' | 'credentialVersion' | 'sealedCredential' | 'revokedAt' | 'state' | 'stateReason')
  | ('organisationId' | 'domains' | 'administratorEmail' | 'cloud' | 'updatedAt')
>

/** Each call asks both, side by side and past the unit of work, which cost half of the read. By account. */
const FIND_ACCOUNT = defineLookup<CalledAccount>(
  'find-account-to-read',
  `select id as asked, id, provider, email, kind, provider_user_id as "providerUserId" from accounts
   where id = any ($1::text[])`,
)
/** By service account. */
const FIND_SERVICE_ACCOUNT = defineLookup<CallingServiceAccount>(
  'find-service-account-to-read',
  `select id as asked, id, client_id as "clientId", provider, credential_version as "credentialVersion",
     sealed_credential as "sealedCredential", revoked_at as "revokedAt", state, state_reason as "stateReason",
     organisation_id as "organisationId", domains, administrator_email as "administratorEmail", cloud,
     updated_at as "updatedAt"
   from service_accounts where id = any ($1::text[])`,
)

/** A grant's mailbox, and the one way in which the provider lets us act as it. */
export interface OpenedMailbox {
  account: CalledAccount
  /** @throws ProviderError */
  call(permissions: readonly DelegatedPermission[], call: MailboxCall): Promise<MailboxAnswer>
}

/**
 * By whom a mailbox is opened: by the service account of its organisation, or, where its owner has connected it, by the
 * owner's own sign-in. The grant says which; where that one fails, the other is never tried.
 */
@Injectable()
export class OpenMailbox {
  constructor(
    private readonly database: Database,
    private readonly serviceAccounts: ServiceAccounts,
    private readonly states: ServiceAccountStates,
    private readonly endMailbox: EndMailbox,
    private readonly userCredentials: UserCredentials,
    private readonly providers: Providers,
  ) {}

  /** @throws ApiError insufficient_scope, invalid_token */
  async open({ accountId, serviceAccountId }: Grant): Promise<OpenedMailbox> {
    if (!accountId) throw insufficientScope("This is a service account's token; the proxy takes a mailbox's.")
    const [[account], [serviceAccount]] = await Promise.all([
      this.database.lookUp(FIND_ACCOUNT, accountId),
      serviceAccountId ? this.database.lookUp(FIND_SERVICE_ACCOUNT, serviceAccountId) : [],
    ])
    if (!account || (serviceAccountId && (!serviceAccount || serviceAccount.revokedAt))) throw invalidToken()
    return serviceAccount ? this.#byServiceAccount(account, serviceAccount) : this.#byItsOwner(account)
  }

  #byServiceAccount(account: CalledAccount, serviceAccount: CallingServiceAccount): OpenedMailbox {
    const provider = this.providers.organisation(account.provider)
    return {
      account,
      call: async (permissions, call) => {
        const { credential, version } = await this.serviceAccounts.credentialWithSecret(this.database, serviceAccount)
        const organisation = organisationOf(serviceAccount, credential, version)
        try {
          const answer = await provider.callAs(organisation, account, permissions, call)
          if (answer.status < 400) await this.states.worked(serviceAccount)
          return answer
        } catch (error) {
          if (error instanceof ProviderError && !call.signal?.aborted) await this.states.refused(serviceAccount, error)
          if (error instanceof ProviderError && endsGrants(error)) await this.endMailbox.end(account.id, error.code)
          throw error
        }
      },
    }
  }

  #byItsOwner(account: CalledAccount): OpenedMailbox {
    return {
      account,
      call: async (_permissions, call) => {
        const connected = await this.userCredentials.findConnection(account.id)
        if (!connected) throw accessEnded(account.provider)
        return this.providers.userAccess(account.provider).callAs(connected, call)
      },
    }
  }
}
