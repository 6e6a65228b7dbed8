import { Injectable } from '@nestjs/common'
import type { Client } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'

@Injectable()
export class DisableClient {
  constructor(
    private readonly database: Database,
    private readonly clients: Clients,
    private readonly log: Log,
  ) {}

  /** A second time changes nothing. @throws ApiError not_found */
  async disable(id: string): Promise<Client> {
    const client = await this.database.inTransaction((tx) => this.clients.disable(tx, id))
    this.log.info('client.disabled', { client: id })
    return client
  }
}
