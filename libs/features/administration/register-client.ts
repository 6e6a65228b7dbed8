import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { Clients, type NewClient, type NewClientWithSecrets } from '#domain/clients/clients.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'

export type RegisteredClient = NewClientWithSecrets

@Injectable()
export class RegisterClient {
  constructor(
    private readonly database: Database,
    private readonly clients: Clients,
    private readonly log: Log,
  ) {}

  /** Both secrets are in the answer and nowhere else. @throws ValidationError naming each unusable field */
  async register(wanted: NewClient): Promise<RegisteredClient> {
    const registered = await this.database.inTransaction(async (tx) => {
      const registered = await this.clients.register(tx, wanted)
      const { id, createdAt } = registered.client
      await recordAct(tx, { clientId: id, at: createdAt, act: 'client.registered', subject: id })
      return registered
    })
    this.log.info('client.registered', { client: registered.client.id })
    return registered
  }
}
