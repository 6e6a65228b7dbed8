import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { Clients } from '#domain/clients/clients.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { ShowClient, type ShownClient } from './show-client.js'

/** Whether a client may exchange its tokens for the provider's own (ADR 0024). It counts from the next call on. */
@Injectable()
export class AllowProviderTokens {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly clients: Clients,
    private readonly showClient: ShowClient,
    private readonly log: Log,
  ) {}

  /** Twice the same changes nothing, and is on record once. @throws ApiError not_found */
  async set(id: string, allowed: boolean): Promise<ShownClient> {
    const act = allowed ? 'client.provider_tokens_allowed' : 'client.provider_tokens_forbidden'
    const changed = await this.database.inTransaction(async (tx) => {
      const client = await this.clients.getLocked(tx, id)
      if (client.mayHoldProviderTokens === allowed) return false
      client.mayHoldProviderTokens = allowed
      await recordAct(tx, { clientId: id, at: this.clock.now(), act, subject: id })
      return true
    })
    if (changed) this.log.info(act, { client: id })
    return this.showClient.show(id)
  }
}
