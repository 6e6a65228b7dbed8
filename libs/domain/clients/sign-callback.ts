import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { Clock, seconds } from '#platform/clock/clock.js'
import type { Database, Em } from '#platform/database/database.js'
import { Sealer } from '#platform/secrets/sealer.js'
import type { Secret } from '#platform/secrets/secret.js'
import { Client, ClientSecret } from './client.entity.js'
import { clientSecretPlace, isLive, signingSecretPlace } from './clients.js'

export interface CallbackKeys {
  /** The live client secrets, newest first: the key of `Cronofy-HMAC-SHA256`. */
  hmacSecrets: Secret<string>[]
  /** Of `webhook-signature`. */
  signingKey: KeyObject
}

const KEPT_FOR = seconds(5)
const MOST_KEPT = 1_000

@Injectable()
export class SignCallback {
  readonly #kept = new RecentlyUsed<CallbackKeys>(MOST_KEPT, { ttl: KEPT_FOR })

  constructor(
    private readonly clock: Clock,
    private readonly sealer: Sealer,
  ) {}

  /** Kept for a few seconds, because every callback needs them; a rotated secret signs that much later. */
  async keysOf(database: Database, clientId: string): Promise<CallbackKeys> {
    const kept = this.#kept.get(clientId)
    if (kept) return kept
    const keys = await database.read((em) => this.#openKeys(em, clientId))
    this.#kept.set(clientId, keys)
    return keys
  }

  async #openKeys(em: Em, clientId: string): Promise<CallbackKeys> {
    const client = await em.findOneOrFail(Client, { id: clientId })
    const secrets = await em.find(ClientSecret, { clientId }, { orderBy: { createdAt: 'desc' } })
    const now = this.clock.now()
    const live = secrets.filter((secret) => isLive(secret, now))
    return {
      hmacSecrets: await Promise.all(
        live.map(({ id, sealedSecret }) => this.sealer.open(sealedSecret, clientSecretPlace(id, clientId))),
      ),
      signingKey: signingKeyOf(await this.sealer.open(client.sealedSigningSecret, signingSecretPlace(clientId))),
    }
  }

  /**
   * Both signatures over exactly the bytes that are sent. `Cronofy-HMAC-SHA256` covers the body alone and can be
   * replayed; Standard Webhooks covers id and time too, and is the one to check.
   */
  headersFor(keys: CallbackKeys, message: { id: string; body: string }): Record<string, string> {
    const timestamp = Math.floor(this.clock.now().getTime() / 1000).toString()
    return {
      // Several values are joined without a space: the vendor's SDKs split on the comma and do not trim.
      'cronofy-hmac-sha256': keys.hmacSecrets.map((secret) => mac(secret.reveal(), message.body)).join(','),
      'webhook-id': message.id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${mac(keys.signingKey, `${message.id}.${timestamp}.${message.body}`)}`,
    }
  }
}

/** @param secret `whsec_…` */
export const signingKeyOf = (secret: Secret<string>): KeyObject =>
  createSecretKey(Buffer.from(secret.reveal().replace(/^whsec_/, ''), 'base64'))

const mac = (key: string | KeyObject, text: string) => createHmac('sha256', key).update(text).digest('base64')
