import { Injectable } from '@nestjs/common'
import { AuditArchives } from '#domain/audit/audit-archives.js'
import type { AuditEvent } from '#domain/audit/audit-event.js'
import type { Month } from '#domain/audit/audit-months.js'
import { ChainArrivals } from '#domain/audit/chain-arrivals.js'
import { type EventPosition, FindEvents } from '#domain/audit/find-events.js'
import { type AuditSelection, ReadSelection } from './read-selection.js'

export interface EventPage {
  events: AuditEvent[]
  /** The place of the last one here; null on the last page. */
  next: EventPosition | null
  /** What was chained before then has left for an archive; null when nothing has. */
  completeFrom: Month | null
  /** What happened until then is there; what came later may not have its place yet. */
  completeUntil: Date
}

@Injectable()
export class ListAuditEvents {
  constructor(
    private readonly arrivals: ChainArrivals,
    private readonly events: FindEvents,
    private readonly archives: AuditArchives,
    private readonly selections: ReadSelection,
  ) {}

  /** By client, each in the order of its chain. */
  async list(
    selection: AuditSelection,
    { after, limit }: { after?: EventPosition; limit: number },
  ): Promise<EventPage> {
    const filter = await this.selections.filterFor(selection)
    const completeUntil = await this.arrivals.catchUp(filter.clientIds)
    const found = await this.events.find(filter, { after, limit: limit + 1 })
    const events = found.slice(0, limit)
    const last = events.at(-1)
    const next = found.length > limit && last ? { clientId: last.client_id, sequence: last.sequence } : null
    return { events, next, completeFrom: await this.archives.completeFrom(), completeUntil }
  }
}
