import { Injectable } from '@nestjs/common'
import type { Client } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { type Refusal, registeredRedirectUri } from '#domain/grants/check-authorization-query.js'
import { after, Clock } from '#platform/clock/clock.js'
import { Database, type Tx } from '#platform/database/database.js'
import { isStorable } from '#platform/database/is-storable.js'
import { hashOf, newBearer, newId, RandomSource } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import {
  type AdministratorQuery,
  type AuthorizationRequest,
  readAuthorizationRequest,
} from './authorization-request.js'
import { Consent } from './consent.entity.js'
import { CONSENT_LIFE } from './consent-journey.js'
import { ConsentStop } from './service-accounts.errors.js'

export type Beginning =
  | { kind: 'begun'; consentId: string; cookie: Secret<string> }
  | { kind: 'refused'; redirectUri: string; encodedState: string | null; refusal: Refusal }

/**
 * Step 0: a browser arrives with a client's request. Anybody can send any number of browsers here, so it is one small
 * row, which is not on record before somebody shows who they are, and is deleted when its time is over (`EXPIRED_CONSENTS`).
 */
@Injectable()
export class BeginConsent {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly clients: Clients,
  ) {}

  /**
   * What is wrong with the client or its redirect URI is a page of ours; everything else goes back to the client.
   * @throws ConsentStop
   */
  async begin(query: AdministratorQuery): Promise<Beginning> {
    const client = await this.#client(query)
    const redirectUri = registeredRedirectUri(query, client)
    if (redirectUri === null) throw new ConsentStop('redirectRefused', { detail: `client ${client.id}` })
    const request = readAuthorizationRequest(query, redirectUri)
    if ('error' in request)
      return { kind: 'refused', redirectUri, encodedState: query.encodedState(), refusal: request }
    return this.database.inTransaction((tx) => this.#insert(tx, client, request))
  }

  async #client(query: AdministratorQuery): Promise<Client> {
    const id = query.one('client_id')
    const client = id && isStorable(id) ? await this.database.read((em) => this.clients.find(em, id)) : null
    if (!client || client.disabledAt) throw new ConsentStop('clientUnknown')
    return client
  }

  async #insert(tx: Tx, client: Client, request: AuthorizationRequest): Promise<Beginning> {
    const now = this.clock.now()
    const consentId = newId(this.random, 'con')
    const cookie = new Secret(newBearer(this.random))
    await tx.insert(Consent, {
      id: consentId,
      clientId: client.id,
      ...request,
      cookieHash: hashOf(cookie.reveal()),
      step: 'choosing',
      revision: 0,
      createdAt: now,
      expiresAt: after(now, CONSENT_LIFE),
    })
    return { kind: 'begun', consentId, cookie }
  }
}
