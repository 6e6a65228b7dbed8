import { Injectable } from '@nestjs/common'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import type { SignInRegistration } from '#domain/providers/administrator.port.js'
import { PROVIDER_NAMES, type ProviderName } from '#domain/providers/provider.port.js'
import { signInRegistrationOf } from '#domain/providers/sign-in-registration.js'
import type { Em } from '#platform/database/database.js'
import { ConnectStop } from './connect.errors.js'

/** With what people of a client sign in: the client's own registration at the provider, or the operator's. */
@Injectable()
export class SignInRegistrations {
  constructor(private readonly credentials: ProviderCredentials) {}

  /** @throws ConnectStop notSetUp */
  async get(em: Em, provider: ProviderName, clientId: string): Promise<SignInRegistration> {
    const registration = await this.#find(em, provider, clientId)
    if (!registration) throw new ConnectStop('notSetUp', { detail: provider })
    return registration
  }

  /** Where a person of this client can sign in. */
  async providersFor(em: Em, clientId: string): Promise<ProviderName[]> {
    const found = await Promise.all(PROVIDER_NAMES.map((provider) => this.#find(em, provider, clientId)))
    return PROVIDER_NAMES.filter((_, index) => found[index])
  }

  async #find(em: Em, provider: ProviderName, clientId: string): Promise<SignInRegistration | null> {
    const setup = await this.credentials.findWithSecret(em, provider, clientId)
    return setup && signInRegistrationOf(setup)
  }
}
