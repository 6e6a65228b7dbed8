import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import type { ApiKey } from '#domain/clients/api-key.entity.js'
import { ApiKeys } from '#domain/clients/api-keys.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'

/** From here on it opens nothing, in any process: every use looks it up. */
@Injectable()
export class RevokeApiKey {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly apiKeys: ApiKeys,
    private readonly log: Log,
  ) {}

  /** A second time changes nothing. @throws ApiError not_found */
  async revoke(id: string): Promise<ApiKey> {
    const { apiKey, first } = await this.database.inTransaction(async (tx) => {
      const revoked = await this.apiKeys.revoke(tx, id)
      const { clientId, id: subject } = revoked.apiKey
      if (revoked.first) await recordAct(tx, { clientId, at: this.clock.now(), act: 'api_key.revoked', subject })
      return revoked
    })
    this.log.info('api_key.revoked', { client: apiKey.clientId, id: apiKey.id, repeat: !first })
    return apiKey
  }
}
