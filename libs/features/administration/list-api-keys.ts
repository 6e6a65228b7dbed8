import { Injectable } from '@nestjs/common'
import type { ApiKey } from '#domain/clients/api-key.entity.js'
import { ApiKeys } from '#domain/clients/api-keys.js'
import { Database } from '#platform/database/database.js'

export interface ApiKeyPage {
  apiKeys: ApiKey[]
  /** The id of the last one here; null on the last page. */
  nextCursor: string | null
}

@Injectable()
export class ListApiKeys {
  constructor(
    private readonly database: Database,
    private readonly apiKeys: ApiKeys,
  ) {}

  /** By id; of one client, or of all. */
  async list(page: { client?: string; limit: number; cursor?: string }): Promise<ApiKeyPage> {
    const { client: clientId, limit, cursor: after } = page
    const found = await this.database.read((em) => this.apiKeys.list(em, { clientId, after, limit: limit + 1 }))
    const apiKeys = found.slice(0, limit)
    return { apiKeys, nextCursor: found.length > limit ? apiKeys.at(-1)!.id : null }
  }
}
