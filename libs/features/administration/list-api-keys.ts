import { Injectable } from '@nestjs/common'
import type { ApiKey } from '#domain/clients/api-key.entity.js'
import { ApiKeys } from '#domain/clients/api-keys.js'
import { Database } from '#platform/database/database.js'
import { type Page, pageById } from '#platform/paging/page.js'

@Injectable()
export class ListApiKeys {
  constructor(
    private readonly database: Database,
    private readonly apiKeys: ApiKeys,
  ) {}

  /** By id; of one client, or of all. */
  async list(page: { client?: string; limit: number; cursor?: string }): Promise<Page<ApiKey>> {
    const { client: clientId, limit, cursor: after } = page
    const found = await this.database.read((em) => this.apiKeys.list(em, { clientId, after, limit: limit + 1 }))
    return pageById(found, limit)
  }
}
