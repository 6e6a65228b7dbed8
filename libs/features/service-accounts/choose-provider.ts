import { Injectable } from '@nestjs/common'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { PROVIDER_NAMES, type ProviderName } from '#domain/providers/provider.port.js'
import { Database, type Em } from '#platform/database/database.js'
import type { Consent, CredentialSource } from './consent.entity.js'
import { Consents, NOTHING_FOUND_OUT } from './consents.js'
import { operatorWayOf } from './operator-way.js'
import type { Way } from './pages/who-is-asking.page.js'
import { ConsentStop } from './service-accounts.errors.js'

/** Step 1: where the calendars are, and with whose credential they will be reached. */
@Injectable()
export class ChooseProvider {
  constructor(
    private readonly database: Database,
    private readonly consents: Consents,
    private readonly operatorCredentials: ProviderCredentials,
  ) {}

  /** The operator's way needs a credential to act with, and a registration to sign administrators in with. */
  ways(em: Em, clientId: string): Promise<Way[]> {
    return Promise.all(
      PROVIDER_NAMES.map(async (provider) => {
        const operator = await this.operatorCredentials.findWithSecret(em, provider, clientId)
        return { provider, withOperatorCredential: Boolean(operator && operatorWayOf(operator)) }
      }),
    )
  }

  /** @throws ConsentStop */
  async choose(consent: Consent, provider: ProviderName, credentialSource: CredentialSource): Promise<void> {
    await this.database.inTransaction(async (tx) => {
      const ways = await this.ways(tx, consent.clientId)
      const open =
        credentialSource === 'customer' || ways.some((way) => way.provider === provider && way.withOperatorCredential)
      if (!open) throw new ConsentStop('wayClosed')
      const same = consent.provider === provider && consent.credentialSource === credentialSource
      const changes = {
        ...NOTHING_FOUND_OUT,
        provider,
        credentialSource,
        // What was typed in comes back with the form it was typed into, and with no other.
        ...(same ? {} : { entered: null, sealedCredential: null }),
      }
      if (!(await this.consents.move(tx, consent, 'preparing', changes))) throw new ConsentStop('outOfDate')
    })
  }
}
