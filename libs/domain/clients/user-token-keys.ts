import { Injectable } from '@nestjs/common'
import { after, Clock, hours } from '#platform/clock/clock.js'
import type { Em, Tx } from '#platform/database/database.js'
import { conflict } from '#platform/errors/api-error.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { newId, RandomSource } from '#platform/secrets/random.js'
import { Sealer, type SealingPlace } from '#platform/secrets/sealer.js'
import { Secret } from '#platform/secrets/secret.js'
import { type Client, UserTokenSecret } from './client.entity.js'
import { jwksUriProblem } from './client-urls.js'
import { Clients, isLive } from './clients.js'
import { readGivenKeySet } from './key-set.js'

/** How long the secret before the newest still works. */
const OVERLAP = hours(24)

/** Public keys as such, or where they are published; `null` takes away what was there. */
export type GivenKeys = { jwks: unknown } | { jwksUri: string } | null

/** With what a client signs the tokens of its users: a secret that we make, or key pairs of its own. */
@Injectable()
export class UserTokenKeys {
  constructor(
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly sealer: Sealer,
    private readonly clients: Clients,
  ) {}

  /**
   * A new secret, the only time that it is seen in clear; the one before works for another day.
   * @throws ApiError not_found; conflict when two are live already
   */
  async rotateSecret(tx: Tx, clientId: string): Promise<{ secret: Secret<string>; previousExpiresAt: Date | null }> {
    await this.clients.getLocked(tx, clientId)
    const live = await this.liveSecretsOf(tx, clientId)
    if (live.length >= 2)
      throw conflict(
        `Two secrets are live already; the older one ends at ${live.at(-1)!.expiresAt?.toISOString()}. End both to begin anew.`,
      )
    const previousExpiresAt = live.length > 0 ? after(this.clock.now(), OVERLAP) : null
    for (const secret of live) secret.expiresAt = previousExpiresAt
    // As long as the output of SHA-256 (RFC 7518 section 3.2). Libraries take the characters as they stand for the key.
    const secret = new Secret(this.random.bytes(32).toString('base64url'))
    const id = newId(this.random, 'uts')
    tx.create(UserTokenSecret, {
      id,
      clientId,
      sealedSecret: await this.sealer.seal(secret, placeOf(id, clientId)),
      createdAt: this.clock.now(),
    })
    return { secret, previousExpiresAt }
  }

  /** At once, for a secret that is in wrong hands. @returns how many @throws ApiError not_found */
  async endSecrets(tx: Tx, clientId: string): Promise<number> {
    await this.clients.getLocked(tx, clientId)
    const live = await this.liveSecretsOf(tx, clientId)
    for (const secret of live) secret.expiresAt = this.clock.now()
    return live.length
  }

  /** In place of what was there. @throws ApiError not_found; ValidationError on `jwks` or `jwks_uri` */
  async setKeys(tx: Tx, clientId: string, given: GivenKeys): Promise<Client> {
    const client = await this.clients.getLocked(tx, clientId)
    client.jwks = given && 'jwks' in given ? { keys: usableKeys(given.jwks) } : null
    client.jwksUri = given && 'jwksUri' in given ? usableUri(given.jwksUri) : null
    return client
  }

  /** Newest first. */
  async liveSecretsOf(em: Em, clientId: string): Promise<UserTokenSecret[]> {
    const now = this.clock.now()
    const secrets = await em.find(
      UserTokenSecret,
      { clientId, $or: [{ expiresAt: null }, { expiresAt: { $gt: now } }] },
      { orderBy: { createdAt: 'desc' } },
    )
    return secrets.filter((secret) => isLive(secret, now))
  }

  /** Newest first. */
  async openSecrets(em: Em, clientId: string): Promise<Secret<string>[]> {
    const live = await this.liveSecretsOf(em, clientId)
    return Promise.all(live.map(({ id, sealedSecret }) => this.sealer.open(sealedSecret, placeOf(id, clientId))))
  }
}

const placeOf = (secretId: string, clientId: string): SealingPlace => ({
  table: 'user_token_secrets',
  column: 'sealed_secret',
  row: secretId,
  client: clientId,
})

function usableKeys(given: unknown) {
  const read = readGivenKeySet(given)
  if ('problem' in read) throw invalidField('jwks', 'errors.invalid', read.problem)
  return read.keys
}

function usableUri(given: string): string {
  const problem = jwksUriProblem(given)
  if (problem) throw invalidField('jwks_uri', problem.key, problem.description)
  return given
}
