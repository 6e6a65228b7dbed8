import { Injectable } from '@nestjs/common'
import { OPERATOR_CHAIN } from '#domain/audit/audit-event.js'
import { recordAct } from '#domain/audit/record-act.js'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { ServiceAccountStates } from '#domain/credentials/service-account-states.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { factsOf, type RegistrationFacts } from './registration-facts.js'

/** Goes back to the credential from before. Not tried first: it worked, and whoever goes back is in a hurry. */
@Injectable()
export class RollBackProviderCredential {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly credentials: ProviderCredentials,
    private readonly states: ServiceAccountStates,
    private readonly log: Log,
  ) {}

  /** Once more undoes it. @throws ApiError not_found; conflict when there is nothing to go back to */
  async rollBack(provider: ProviderName, clientId: string | null): Promise<RegistrationFacts> {
    const stored = await this.database.inTransaction(async (tx) => {
      const { id: subject } = await this.credentials.rollBack(tx, provider, clientId)
      await tx.flush()
      await recordAct(tx, {
        ...{
          clientId: clientId ?? OPERATOR_CHAIN,
          at: this.clock.now(),
          act: 'provider.credential_rolled_back',
          subject,
        },
        details: { provider },
      })
      return (await this.credentials.findOwnWithSecret(tx, provider, clientId))!
    })
    await this.states.credentialReplaced(provider, clientId)
    this.log.info('provider.credential_rolled_back', { provider, client: clientId })
    return factsOf(stored)
  }
}
