import { Injectable } from '@nestjs/common'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { Database } from '#platform/database/database.js'
import { type Page, pageById } from '#platform/paging/page.js'

@Injectable()
export class ListServiceAccounts {
  constructor(
    private readonly database: Database,
    private readonly serviceAccounts: ServiceAccounts,
  ) {}

  /** By id; of one client, or of all. */
  async list(page: { client?: string; limit: number; cursor?: string }): Promise<Page<ServiceAccount>> {
    const { client: clientId, limit, cursor: after } = page
    const found = await this.database.read((em) => this.serviceAccounts.list(em, { clientId, after, limit: limit + 1 }))
    return pageById(found, limit)
  }
}
