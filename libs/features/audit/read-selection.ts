import { Injectable } from '@nestjs/common'
import type { EventFilter } from '#domain/audit/find-events.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { Database } from '#platform/database/database.js'

/** What somebody wants to see of the audit, in their words. */
export interface AuditSelection {
  client?: string
  serviceAccount?: string
  /** As the provider calls it: Google's customer id, Microsoft's tenant. */
  organisation?: string
  mailbox?: string
  from?: Date
  until?: Date
}

/** An organisation is known by its service accounts, and those by their clients, whose chains are then the ones to read. */
@Injectable()
export class ReadSelection {
  constructor(
    private readonly database: Database,
    private readonly serviceAccounts: ServiceAccounts,
  ) {}

  async filterFor({
    client,
    serviceAccount,
    organisation,
    mailbox,
    from,
    until,
  }: AuditSelection): Promise<EventFilter> {
    const filter: EventFilter = {
      mailbox: mailbox?.toLowerCase(),
      from,
      until,
      ...(client ? { clientIds: [client] } : {}),
    }
    if (!serviceAccount && !organisation) return filter
    const accounts = await this.database.read((em) =>
      this.serviceAccounts.select(em, { id: serviceAccount, organisationId: organisation, clientId: client }),
    )
    return {
      ...filter,
      clientIds: [...new Set(accounts.map(({ clientId }) => clientId))],
      serviceAccountIds: accounts.map(({ id }) => id),
    }
  }
}
