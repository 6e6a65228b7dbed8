import { Injectable } from '@nestjs/common'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccountStates } from '#domain/credentials/service-account-states.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { UserCredentials } from '#domain/credentials/user-credentials.js'
import type { Account } from '#domain/grants/account.entity.js'
import { EndMailbox } from '#domain/grants/end-mailbox.js'
import { defineAccessTokenLookup, type FoundAccessToken } from '#domain/grants/token-statements.js'
import type { DelegatedPermission } from '#domain/providers/delegated-scopes.js'
import { organisationOf } from '#domain/providers/organisation.js'
import type { MailboxAnswer, MailboxCall } from '#domain/providers/provider.port.js'
import { accessEnded, endsGrants } from '#domain/providers/provider-errors.js'
import { Providers } from '#domain/providers/providers.js'
import { Database } from '#platform/database/database.js'
import { insufficientScope } from '#platform/errors/api-error.js'
import { ProviderError } from '#platform/errors/provider-error.js'

export type CalledAccount = Pick<Account, 'id' | 'provider' | 'email' | 'kind' | 'providerUserId'>
type CallingServiceAccount = Pick<
  ServiceAccount,
  | ('id' | 'clientId' | 'provider' | 'credentialVersion' | 'sealedCredential' | 'state' | 'stateReason')
  | ('organisationId' | 'domains' | 'administratorEmail' | 'cloud')
>

interface Called {
  /** Null: the grant is a service account's own. */
  account: CalledAccount | null
  /** Null: the account's owner has connected it. */
  serviceAccount: CallingServiceAccount | null
  authorisedAt: Date | null
}

/** What each call asks for: whose it is, as which mailbox, and what opens that. */
export const FIND_CALLED_GRANT = defineAccessTokenLookup<Called>(
  'find-called-grant',
  `(select json_build_object('id', a.id, 'provider', a.provider, 'email', a.email, 'kind', a.kind,
      'providerUserId', a.provider_user_id)
    from accounts a where a.id = g.account_id) as account`,
  `case when s.id is not null then json_build_object('id', s.id, 'clientId', s.client_id, 'provider', s.provider,
      'credentialVersion', s.credential_version, 'sealedCredential', s.sealed_credential, 'state', s.state,
      'stateReason', s.state_reason, 'organisationId', s.organisation_id, 'domains', s.domains,
      'administratorEmail', s.administrator_email, 'cloud', s.cloud) end as "serviceAccount"`,
  's.updated_at as "authorisedAt"',
)
export type CalledGrant = FoundAccessToken & Called

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

  /** @throws ApiError insufficient_scope */
  open({ account, serviceAccount, authorisedAt }: CalledGrant): OpenedMailbox {
    if (!account) throw insufficientScope("This is a service account's token; the proxy takes a mailbox's.")
    return serviceAccount
      ? this.#byServiceAccount(account, { ...serviceAccount, updatedAt: authorisedAt! })
      : this.#byItsOwner(account)
  }

  #byServiceAccount(
    account: CalledAccount,
    serviceAccount: CallingServiceAccount & Pick<ServiceAccount, 'updatedAt'>,
  ): OpenedMailbox {
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
