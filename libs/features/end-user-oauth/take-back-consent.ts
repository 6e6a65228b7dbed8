import { Injectable } from '@nestjs/common'
import { DisconnectedCredentials } from '#domain/credentials/disconnected-credentials.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { Providers } from '#domain/providers/providers.js'

/** Takes back at the provider what a person allowed, once the account is disconnected here. */
@Injectable()
export class TakeBackConsent {
  constructor(
    private readonly credentials: DisconnectedCredentials,
    private readonly providers: Providers,
  ) {}

  /** Throws nothing: what the provider does not take now is due again, for three days. */
  async takeBack(accountId: string): Promise<void> {
    await this.credentials.takeBack(accountId, (setup, refreshToken) =>
      this.providers.userAccess(setup.provider as ProviderName).revoke(setup, refreshToken),
    )
  }
}
