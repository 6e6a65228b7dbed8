import { Injectable } from '@nestjs/common'
import type { Client } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { Database } from '#platform/database/database.js'
import { type Page, pageById } from '#platform/paging/page.js'

@Injectable()
export class ListClients {
  constructor(
    private readonly database: Database,
    private readonly clients: Clients,
  ) {}

  async list({ limit, cursor }: { limit: number; cursor?: string }): Promise<Page<Client>> {
    const found = await this.database.read((em) => this.clients.list(em, { after: cursor, limit: limit + 1 }))
    return pageById(found, limit)
  }

  /** Newest first. An installation has tens of clients, and a terminal has no use for pages. */
  async listAll(): Promise<Client[]> {
    const all: Client[] = []
    let cursor: string | undefined
    do {
      const page = await this.list({ limit: 100, cursor })
      all.push(...page.rows)
      cursor = page.nextCursor ?? undefined
    } while (cursor)
    return all.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
  }
}
