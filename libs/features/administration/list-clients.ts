import { Injectable } from '@nestjs/common'
import type { Client } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { Database } from '#platform/database/database.js'

export interface ClientPage {
  clients: Client[]
  /** The id of the last one here; null on the last page. */
  nextCursor: string | null
}

@Injectable()
export class ListClients {
  constructor(
    private readonly database: Database,
    private readonly clients: Clients,
  ) {}

  async list({ limit, cursor }: { limit: number; cursor?: string }): Promise<ClientPage> {
    const found = await this.database.read((em) => this.clients.list(em, { after: cursor, limit: limit + 1 }))
    const clients = found.slice(0, limit)
    return { clients, nextCursor: found.length > limit ? clients.at(-1)!.id : null }
  }

  /** Newest first. An installation has tens of clients, and a terminal has no use for pages. */
  async listAll(): Promise<Client[]> {
    const all: Client[] = []
    let cursor: string | undefined
    do {
      const page = await this.list({ limit: 100, cursor })
      all.push(...page.clients)
      cursor = page.nextCursor ?? undefined
    } while (cursor)
    return all.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
  }
}
