import { Injectable } from '@nestjs/common'
import { after, Clock, hours } from '#platform/clock/clock.js'
import type { Em, Tx } from '#platform/database/database.js'
import { conflict, notFound } from '#platform/errors/api-error.js'
import { type FieldProblems, ValidationError } from '#platform/errors/validation-error.js'
import { hashOf, newId, RandomSource } from '#platform/secrets/random.js'
import { Sealer, type SealingPlace } from '#platform/secrets/sealer.js'
import { Secret } from '#platform/secrets/secret.js'
import { Client, ClientSecret } from './client.entity.js'
import { callbackOriginProblem, redirectUriProblem } from './client-urls.js'

/** How long the secret before the newest still works. */
const SECRET_OVERLAP = hours(24)

export interface NewClient {
  name: string
  redirectUris: string[]
  callbackOrigins: string[]
}

/** The only time that they are seen in clear. */
export interface NewClientWithSecrets {
  client: Client
  secret: Secret<string>
  signingSecret: Secret<string>
}

/** Registration of calling applications. Secrets leave it once, at birth. */
@Injectable()
export class Clients {
  constructor(
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly sealer: Sealer,
  ) {}

  /** @throws ValidationError naming each unusable field */
  async register(tx: Tx, wanted: NewClient): Promise<NewClientWithSecrets> {
    refuseUnusable(wanted)
    const id = newId(this.random, 'cli')
    // Standard Webhooks: `whsec_` and 24 to 64 bytes in base64.
    const signingSecret = new Secret(`whsec_${this.random.bytes(32).toString('base64')}`)
    const client = tx.create(Client, {
      id,
      ...wanted,
      sealedSigningSecret: await this.sealer.seal(signingSecret, signingSecretPlace(id)),
      createdAt: this.clock.now(),
    })
    return { client, secret: await this.#addSecret(tx, id), signingSecret }
  }

  find(em: Em, id: string): Promise<Client | null> {
    return em.findOne(Client, { id })
  }

  /** @throws ApiError not_found */
  async get(em: Em, id: string): Promise<Client> {
    const client = await this.find(em, id)
    if (!client) throw notFound(`The client "${id.slice(0, 64)}"`)
    return client
  }

  /** Locked until the end of the transaction, so that two rotations at once do not leave three live secrets. @throws ApiError not_found */
  async getLocked(tx: Tx, id: string): Promise<Client> {
    await tx.execute('select 1 from clients where id = ? for update', [id])
    return this.get(tx, id)
  }

  list(em: Em, page: { after?: string; limit: number }): Promise<Client[]> {
    return em.find(Client, page.after ? { id: { $gt: page.after } } : {}, { orderBy: { id: 'asc' }, limit: page.limit })
  }

  secretsOf(em: Em, clientId: string): Promise<ClientSecret[]> {
    return em.find(ClientSecret, { clientId }, { orderBy: { createdAt: 'desc' } })
  }

  /** A new secret; the one before works for another day. @throws ApiError conflict when two are live already */
  async rotateSecret(tx: Tx, clientId: string): Promise<{ secret: Secret<string>; previousExpiresAt: Date }> {
    await this.getLocked(tx, clientId)
    const now = this.clock.now()
    const live = (await this.secretsOf(tx, clientId)).filter((secret) => isLive(secret, now))
    if (live.length >= 2)
      throw conflict(`Two secrets are live already; the older one ends at ${live.at(-1)!.expiresAt?.toISOString()}.`)
    const previousExpiresAt = after(now, SECRET_OVERLAP)
    for (const secret of live) secret.expiresAt = previousExpiresAt
    return { secret: await this.#addSecret(tx, clientId), previousExpiresAt }
  }

  async disable(tx: Tx, clientId: string): Promise<Client> {
    const client = await this.get(tx, clientId)
    client.disabledAt ??= this.clock.now()
    return client
  }

  async #addSecret(tx: Tx, clientId: string): Promise<Secret<string>> {
    const secret = new Secret(this.random.bytes(32).toString('base64url'))
    const id = newId(this.random, 'sec')
    tx.create(ClientSecret, {
      id,
      clientId,
      secretHash: hashOf(secret.reveal()),
      sealedSecret: await this.sealer.seal(secret, clientSecretPlace(id, clientId)),
      createdAt: this.clock.now(),
    })
    return secret
  }
}

export const isLive = (secret: { expiresAt?: Date | null }, now: Date) => !secret.expiresAt || secret.expiresAt > now

export const signingSecretPlace = (clientId: string): SealingPlace => ({
  table: 'clients',
  column: 'sealed_signing_secret',
  row: clientId,
  client: clientId,
})

export const clientSecretPlace = (secretId: string, clientId: string): SealingPlace => ({
  table: 'client_secrets',
  column: 'sealed_secret',
  row: secretId,
  client: clientId,
})

const MAX_NAME = 120

function refuseUnusable({ name, redirectUris, callbackOrigins }: NewClient) {
  const problems: FieldProblems = {}
  if (!name.trim() || name.length > MAX_NAME)
    problems.name = [{ key: 'errors.length', description: `must have 1 to ${MAX_NAME} characters` }]
  redirectUris.forEach((uri, i) => {
    const problem = redirectUriProblem(uri)
    if (problem) problems[`redirect_uris[${i}]`] = [problem]
  })
  callbackOrigins.forEach((origin, i) => {
    const problem = callbackOriginProblem(origin)
    if (problem) problems[`callback_origins[${i}]`] = [problem]
  })
  if (Object.keys(problems).length > 0) throw new ValidationError(problems)
}
