import { Injectable } from '@nestjs/common'
import { mailboxKindsLeft } from '#domain/credentials/service-account-scopes.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { type Grant, ownServiceAccountOf } from '#domain/grants/grant.entity.js'
import { organisationOf } from '#domain/providers/organisation.js'
import type { Room } from '#domain/providers/provider.port.js'
import { Providers } from '#domain/providers/providers.js'
import { Database } from '#platform/database/database.js'
import { insufficientScope, invalidToken } from '#platform/errors/api-error.js'

const NEEDED = "This needs a service account's token that holds service_account/resources/manage."

/** The rooms of a service account's organisation, asked of the provider each time. */
@Injectable()
export class ListResources {
  constructor(
    private readonly database: Database,
    private readonly serviceAccounts: ServiceAccounts,
    private readonly providers: Providers,
  ) {}

  /** @throws ApiError insufficient_scope; ProviderError */
  async list(grant: Grant): Promise<Room[]> {
    const serviceAccountId = ownServiceAccountOf(grant)
    if (!serviceAccountId) throw insufficientScope(NEEDED)
    const account = await this.database.read((em) => this.serviceAccounts.find(em, serviceAccountId))
    if (!account || account.revokedAt) throw invalidToken()
    if (!mailboxKindsLeft(grant.scope, account.scope).includes('room')) throw insufficientScope(NEEDED)
    const { credential, version } = await this.serviceAccounts.credentialWithSecret(this.database, account)
    const organisation = organisationOf(account, credential, version)
    return Array.fromAsync(this.providers.organisation(account.provider).listRooms(organisation))
  }
}
