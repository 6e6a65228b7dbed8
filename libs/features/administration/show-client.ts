import { Injectable } from '@nestjs/common'
import type { Client, ClientSecret, UserTokenSecret } from '#domain/clients/client.entity.js'
import { Clients, isLive } from '#domain/clients/clients.js'
import { UserTokenKeys } from '#domain/clients/user-token-keys.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'

export interface ShownClient {
  client: Client
  /** Newest first; of each only its id and its times are for showing. */
  liveSecrets: ClientSecret[]
  liveUserTokenSecrets: UserTokenSecret[]
}

@Injectable()
export class ShowClient {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly clients: Clients,
    private readonly keys: UserTokenKeys,
  ) {}

  /** @throws ApiError not_found */
  async show(id: string): Promise<ShownClient> {
    const now = this.clock.now()
    return this.database.read(async (em) => {
      const client = await this.clients.get(em, id)
      const secrets = await this.clients.secretsOf(em, id)
      const liveUserTokenSecrets = await this.keys.liveSecretsOf(em, id)
      return { client, liveSecrets: secrets.filter((secret) => isLive(secret, now)), liveUserTokenSecrets }
    })
  }
}
