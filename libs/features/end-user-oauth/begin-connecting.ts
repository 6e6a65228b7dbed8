import { Injectable } from '@nestjs/common'
import type { Client } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { registeredRedirectUri } from '#domain/grants/check-authorization-query.js'
import { after, Clock } from '#platform/clock/clock.js'
import { Database, type Tx } from '#platform/database/database.js'
import { isStorable } from '#platform/database/is-storable.js'
import { hashOf, newBearer, newId, RandomSource } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { ConnectStop, stopFacts } from './connect.errors.js'
import { type IndividualQuery, type IndividualRequest, readIndividualRequest } from './individual-request.js'
import { LeaveForProvider } from './leave-for-provider.js'
import { SignIn } from './sign-in.entity.js'
import { SIGN_IN_LIFE } from './sign-in-journey.js'
import { SignInRegistrations } from './sign-in-registrations.js'

export type Beginning =
  /** `leavesFor`: the client has named the provider; otherwise the person picks one on our page. */
  | { kind: 'begun'; signInId: string; cookie: Secret<string>; leavesFor: URL | null }
  | { kind: 'refused'; redirectUri: string; encodedState: string | null; error: string; description: string }

/** A browser arrives with a client's request to connect the account of whoever sits in front of it. */
@Injectable()
export class BeginConnecting {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly clients: Clients,
    private readonly registrations: SignInRegistrations,
    private readonly leaveForProvider: LeaveForProvider,
  ) {}

  /**
   * What is wrong with the client or its redirect URI is a page of ours; everything else goes back to the client.
   * @throws ConnectStop clientUnknown, redirectRefused
   */
  async begin(query: IndividualQuery): Promise<Beginning> {
    const client = await this.#client(query)
    const redirectUri = registeredRedirectUri(query, client)
    if (redirectUri === null) throw new ConnectStop('redirectRefused', { detail: `client ${client.id}` })
    const request = readIndividualRequest(query, redirectUri)
    const back = { kind: 'refused', redirectUri, encodedState: query.encodedState() } as const
    if ('error' in request) return { ...back, ...request }
    if (!(await this.#isOpen(client, request))) {
      const { oauth: error, text: description } = stopFacts('notSetUp')
      return { ...back, error, description }
    }
    return this.database.inTransaction((tx) => this.#insert(tx, client, request))
  }

  async #client(query: IndividualQuery): Promise<Client> {
    const id = query.one('client_id')
    const client = id && isStorable(id) ? await this.database.read((em) => this.clients.find(em, id)) : null
    if (!client || client.disabledAt) throw new ConnectStop('clientUnknown')
    return client
  }

  async #isOpen(client: Client, { provider }: IndividualRequest): Promise<boolean> {
    const providers = await this.database.read((em) => this.registrations.providersFor(em, client.id))
    return provider ? providers.includes(provider) : providers.length > 0
  }

  async #insert(tx: Tx, client: Client, { provider, ...request }: IndividualRequest): Promise<Beginning> {
    const now = this.clock.now()
    const cookie = new Secret(newBearer(this.random))
    const signIn = tx.create(SignIn, {
      ...{ id: newId(this.random, 'sig'), clientId: client.id, dialect: 'oauth', ...request, scopesBeside: [] },
      ...{ cookieHash: hashOf(cookie.reveal()), step: 'choosing', createdAt: now, expiresAt: after(now, SIGN_IN_LIFE) },
    })
    await tx.flush()
    const leavesFor = provider && (await this.leaveForProvider.leave(tx, signIn, provider)).url
    return { kind: 'begun', signInId: signIn.id, cookie, leavesFor }
  }
}
