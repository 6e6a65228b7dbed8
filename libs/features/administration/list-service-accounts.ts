import { Injectable } from '@nestjs/common'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { Database } from '#platform/database/database.js'

export interface ServiceAccountPage {
  serviceAccounts: ServiceAccount[]
  /** The id of the last one here; null on the last page. */
  nextCursor: string | null
}

@Injectable()
export class ListServiceAccounts {
  constructor(
    private readonly database: Database,
    private readonly serviceAccounts: ServiceAccounts,
  ) {}

  /** By id; of one client, or of all. */
  async list(page: { client?: string; limit: number; cursor?: string }): Promise<ServiceAccountPage> {
    const { client: clientId, limit, cursor: after } = page
    const found = await this.database.read((em) => this.serviceAccounts.list(em, { clientId, after, limit: limit + 1 }))
    const serviceAccounts = found.slice(0, limit)
    return { serviceAccounts, nextCursor: found.length > limit ? serviceAccounts.at(-1)!.id : null }
  }
}
