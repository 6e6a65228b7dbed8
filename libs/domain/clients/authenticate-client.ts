import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { Em } from '#platform/database/database.js'
import { equalInConstantTime, hashOf } from '#platform/secrets/random.js'
import { Client, ClientSecret } from './client.entity.js'
import { isLive } from './clients.js'

/** Stands in for the secrets of a client that does not exist, so that both refusals take the same way. */
const NOBODY = [{ secretHash: hashOf('no client has this secret'), expiresAt: null }]

@Injectable()
export class AuthenticateClient {
  constructor(private readonly clock: Clock) {}

  /** The client, or null for an unknown or disabled one and for a wrong secret: nobody outside can tell which. */
  async authenticate(em: Em, clientId: string, secret: string): Promise<Client | null> {
    const client = await em.findOne(Client, { id: clientId })
    const secrets = await em.find(ClientSecret, { clientId })
    const presented = hashOf(secret)
    const now = this.clock.now()
    const candidates = secrets.length > 0 ? secrets : NOBODY
    // `filter`, not `some`: every candidate is compared, whichever matches.
    const matches = candidates.filter(
      (candidate) => equalInConstantTime(candidate.secretHash, presented) && isLive(candidate, now),
    )
    return client && !client.disabledAt && matches.length > 0 ? client : null
  }
}
