import { Injectable } from '@nestjs/common'
import type { DeliveryState } from '#domain/deliveries/delivery-lifecycle.js'
import { Database } from '#platform/database/database.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { ClientEvent } from './client-event.entity.js'

export interface EventFilter {
  client?: string
  delivery?: DeliveryState
  limit: number
  /** The id of the last one on the page before. */
  cursor?: string
}

export interface EventPage {
  events: ClientEvent[]
  nextCursor: string | null
}

/** The operator's view of what clients were told, or were not. */
@Injectable()
export class ListEvents {
  constructor(private readonly database: Database) {}

  /** Newest first. @throws ValidationError for a cursor that is not ours */
  list({ client, delivery, limit, cursor }: EventFilter): Promise<EventPage> {
    return this.database.read(async (em) => {
      const last = cursor ? await em.findOne(ClientEvent, { id: cursor }) : null
      if (cursor && !last) throw invalidField('cursor', 'errors.invalid', 'must be the next_cursor of an earlier page')
      const found = await em.find(
        ClientEvent,
        {
          ...(client ? { clientId: client } : {}),
          ...(delivery ? { delivery } : {}),
          ...(last ? behind(last) : {}),
        },
        { orderBy: { createdAt: 'desc', id: 'desc' }, limit: limit + 1 },
      )
      const events = found.slice(0, limit)
      return { events, nextCursor: found.length > limit ? events.at(-1)!.id : null }
    })
  }
}

/** Said twice, because only the first half bounds the index. */
const behind = ({ createdAt, id }: ClientEvent) => ({
  createdAt: { $lte: createdAt },
  $or: [{ createdAt: { $lt: createdAt } }, { createdAt, id: { $lt: id } }],
})
