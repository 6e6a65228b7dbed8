import { Injectable } from '@nestjs/common'
import type { CallerUser } from '#domain/clients/verify-user-token.js'
import { Providers } from '#domain/providers/providers.js'
import { WORK_API_USES } from '#domain/providers/user-scopes.js'
import { Database } from '#platform/database/database.js'
import { conflict } from '#platform/errors/api-error.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { stopOf } from './connect.errors.js'
import { ConnectAccount, refuseIncomplete } from './connect-account.js'
import { FindIntegrations, type FoundIntegration } from './find-integrations.js'
import { type KeptPerson, keptPersonOf } from './kept-person.js'
import { SignInRegistrations } from './sign-in-registrations.js'

/**
 * An app on a phone has signed its user in by itself, and hands us the code that it got for its server. No browser, no state
 * and no PKCE tie that code to anybody: the client's user token says whose it is.
 */
@Injectable()
export class ConnectByServerCode {
  constructor(
    private readonly database: Database,
    private readonly registrations: SignInRegistrations,
    private readonly providers: Providers,
    private readonly findIntegrations: FindIntegrations,
    private readonly connectAccount: ConnectAccount,
  ) {}

  /**
   * @returns the integration as it stands then
   * @throws ApiError not_found; conflict where the provider has no such codes; ConnectStop notSetUp, partial, wouldLose, failed, …
   */
  async connect(user: CallerUser, id: string, code: string): Promise<FoundIntegration> {
    const integration = await this.findIntegrations.get(user, id)
    const { scope, isOwnRecord } = integration
    const { clientId, userId } = user
    const { provider } = WORK_API_USES[integration.provider]
    const person = await this.#ask(integration, clientId, code)
    refuseIncomplete({ provider, scope, scopesBeside: [] }, person)
    const purpose = { dialect: 'work-api' as const, clientId, userId, provider, scope }
    await this.database.inTransaction((tx) =>
      this.connectAccount.connect(tx, { ...purpose, integrationId: isOwnRecord ? id : null }, person),
    )
    return this.findIntegrations.get(user, id)
  }

  async #ask(integration: FoundIntegration, clientId: string, code: string): Promise<KeptPerson> {
    const { provider } = WORK_API_USES[integration.provider]
    const codes = this.providers.userSignIn(provider).serverAuthCodes
    if (!codes)
      throw conflict('Only Google gives apps such codes. Send the user to the address of GET /auth/integrations/:id.')
    const registration = await this.database.read((em) => this.registrations.get(em, provider, clientId))
    try {
      return keptPersonOf(await codes.exchange(registration, code), registration.clientId)
    } catch (error) {
      throw error instanceof ProviderError ? stopOf(error) : error
    }
  }
}
