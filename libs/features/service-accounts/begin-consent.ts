import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import type { Client } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { after, Clock } from '#platform/clock/clock.js'
import { Database, type Tx } from '#platform/database/database.js'
import { hashOf, newBearer, newId, RandomSource } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import {
  type AuthorizationQuery,
  type AuthorizationRequest,
  type Refusal,
  readAuthorizationRequest,
  registeredRedirectUri,
} from './authorization-request.js'
import { Consent } from './consent.entity.js'
import { CONSENT_LIFE } from './consent-journey.js'
import { ConsentStop } from './service-accounts.errors.js'

export type Beginning =
  | { kind: 'begun'; consentId: string; cookie: Secret<string> }
  | { kind: 'refused'; redirectUri: string; encodedState: string | null; refusal: Refusal }

/** Step 0: a browser arrives with a client's request. */
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
  async begin(query: AuthorizationQuery): Promise<Beginning> {
    const client = await this.#client(query)
    const redirectUri = registeredRedirectUri(query, client)
    if (redirectUri === null) throw new ConsentStop('redirectRefused', { detail: `client ${client.id}` })
    const request = readAuthorizationRequest(query, redirectUri)
    if ('error' in request)
      return { kind: 'refused', redirectUri, encodedState: query.encodedState(), refusal: request }
    return this.database.inTransaction(async (tx) => {
      await this.#forgetOldOnes(tx)
      return this.#insert(tx, client, request)
    })
  }

  async #client(query: AuthorizationQuery): Promise<Client> {
    const id = query.one('client_id')
    // PostgreSQL refuses U+0000, and no id of ours has it.
    const client = id && !id.includes('\0') ? await this.database.read((em) => this.clients.find(em, id)) : null
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
    const { scope, delegatedScope } = request
    const details = { scope, delegated_scope: delegatedScope }
    await recordAct(tx, { clientId: client.id, at: now, act: 'consent.begun', subject: consentId, details })
    return { kind: 'begun', consentId, cookie }
  }

  /** Nobody comes back to these. A credential that was left behind is gone as soon as the next visit begins. */
  async #forgetOldOnes(tx: Tx): Promise<void> {
    const now = this.clock.now()
    await tx.nativeDelete(Consent, { expiresAt: { $lt: after(now, -KEPT_TO_EXPLAIN) } })
    await tx.nativeUpdate(
      Consent,
      { expiresAt: { $lt: now }, $or: [{ sealedCredential: { $ne: null } }, { sealedSignIn: { $ne: null } }] },
      { sealedCredential: null, sealedSignIn: null },
    )
  }
}

/** For a week an old link is told that it has expired, and not that it never existed. */
const KEPT_TO_EXPLAIN = 7 * CONSENT_LIFE
