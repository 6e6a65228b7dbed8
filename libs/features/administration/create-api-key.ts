import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { ApiKeys, type NewApiKey } from '#domain/clients/api-keys.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'

export type CreatedApiKey = Awaited<ReturnType<ApiKeys['create']>>

@Injectable()
export class CreateApiKey {
  constructor(
    private readonly database: Database,
    private readonly apiKeys: ApiKeys,
    private readonly log: Log,
  ) {}

  /** The key is in the answer and nowhere else. @throws ApiError not_found, conflict; ValidationError by field */
  async create(wanted: NewApiKey): Promise<CreatedApiKey> {
    const created = await this.database.inTransaction(async (tx) => {
      const created = await this.apiKeys.create(tx, wanted)
      const { id: subject, clientId, createdAt: at, scope, expiresAt } = created.apiKey
      const details = { scope, expires_at: expiresAt?.toISOString() ?? null }
      await recordAct(tx, { clientId, at, act: 'api_key.created', subject, details })
      return created
    })
    this.log.info('api_key.created', { client: created.apiKey.clientId, id: created.apiKey.id })
    return created
  }
}
