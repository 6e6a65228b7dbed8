import { Injectable } from '@nestjs/common'
import { AuthenticateClient, type AuthenticatedClient } from '#domain/clients/authenticate-client.js'
import { Database } from '#platform/database/database.js'
import { nameActor } from '#platform/observability/origin.js'
import { authenticationFailed, type PresentedCredentials, readCredentials } from './presented-credentials.js'

/** Who calls an OAuth endpoint. */
@Injectable()
export class Caller {
  constructor(
    private readonly database: Database,
    private readonly clients: AuthenticateClient,
  ) {}

  /** @throws OAuthError invalid_client, invalid_request */
  async authenticate(presented: PresentedCredentials): Promise<AuthenticatedClient> {
    const { id, secret } = readCredentials(presented)
    const client = await this.clients.authenticate(this.database.lookUp, id, secret)
    if (!client) throw authenticationFailed('unknown or disabled client, or a wrong secret')
    nameActor(`client:${client.id}`)
    return client
  }
}
