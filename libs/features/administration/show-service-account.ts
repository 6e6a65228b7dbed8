import { Injectable } from '@nestjs/common'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { Database } from '#platform/database/database.js'
import { notFound } from '#platform/errors/api-error.js'

@Injectable()
export class ShowServiceAccount {
  constructor(
    private readonly database: Database,
    private readonly serviceAccounts: ServiceAccounts,
  ) {}

  /** @throws ApiError not_found */
  async show(id: string): Promise<ServiceAccount> {
    const account = await this.database.read((em) => this.serviceAccounts.find(em, id))
    if (!account) throw notFound(`The service account "${id.slice(0, 64)}"`)
    return account
  }
}
