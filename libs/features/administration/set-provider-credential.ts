import { UniqueConstraintViolationException } from '@mikro-orm/core'
import { Injectable } from '@nestjs/common'
import { OPERATOR_CHAIN } from '#domain/audit/audit-event.js'
import { recordAct } from '#domain/audit/record-act.js'
import { Clients } from '#domain/clients/clients.js'
import { type OperatorCredentialWithSecret, ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { ServiceAccountStates } from '#domain/credentials/service-account-states.js'
import { serialiseCredential } from '#domain/providers/credential-codec.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { conflict } from '#platform/errors/api-error.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { Log } from '#platform/observability/log.js'
import { type Registration, readRegistration, type TypedRegistration } from './read-registration.js'
import { factsOf, type RegistrationFacts } from './registration-facts.js'
import { TryCredential } from './try-credential.js'

/** With what Mandate acts at a provider, and with what administrators sign in there: for every client, or for one. */
@Injectable()
export class SetProviderCredential {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly clients: Clients,
    private readonly credentials: ProviderCredentials,
    private readonly trial: TryCredential,
    private readonly states: ServiceAccountStates,
    private readonly log: Log,
  ) {}

  /**
   * What is not given stays as it is. A new credential is tried on a mailbox of those who act with the one that it replaces;
   * that stays for the way back.
   * @param clientId null: for every client that has none of its own
   * @param untested replaces it also where there is no mailbox to try it on
   * @throws ValidationError by field; ApiError not_found, conflict, `untested`, or the key of what the provider says of the new
   * credential; ProviderError while it is out of order
   */
  async set(typed: TypedRegistration, clientId: string | null, untested = false): Promise<RegistrationFacts> {
    const given = readRegistration(typed, this.clock.now())
    const tried = given.credential ? await this.trial.try(given.credential, clientId, untested) : 0
    const stored = await this.#store(given, clientId, tried)
    if (given.credential) await this.states.credentialReplaced(given.provider, clientId)
    this.log.info('provider.credential_set', { provider: given.provider, client: clientId })
    return factsOf(stored)
  }

  async #store({ provider, credential, expiresAt, signIn }: Registration, clientId: string | null, tried: number) {
    try {
      return await this.database.inTransaction(async (tx) => {
        if (clientId) await this.clients.get(tx, clientId)
        refuseHalves({ provider, credential, signIn }, await this.credentials.findOwnWithSecret(tx, provider, clientId))
        const serialised = credential && serialiseCredential(credential)
        const wanted = { provider, clientId, credential: serialised, expiresAt, signIn }
        const { id: subject } = await this.credentials.set(tx, wanted)
        await tx.flush()
        await recordAct(tx, {
          ...{ clientId: clientId ?? OPERATOR_CHAIN, at: this.clock.now(), act: 'provider.credential_set', subject },
          details: { provider, credential: credential !== undefined, sign_in: signIn !== undefined, tried_on: tried },
        })
        return (await this.credentials.findOwnWithSecret(tx, provider, clientId))!
      })
    } catch (error) {
      if (!(error instanceof UniqueConstraintViolationException)) throw error
      throw conflict('Somebody else set this up at the same moment. Look at what is there, and send it again.')
    }
  }
}

/** Refuses what would leave a registration that can sign administrators in and not act. */
function refuseHalves({ credential }: Registration, stored: OperatorCredentialWithSecret | null) {
  if (!credential && !stored?.credential)
    throw invalidField('key_file', 'errors.required', "required the first time: the service account's JSON key file")
}
