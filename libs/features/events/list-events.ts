import { Injectable } from '@nestjs/common'
import type { DeliveryState } from '#domain/deliveries/delivery-lifecycle.js'
import { Database } from '#platform/database/database.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { olderThan, type Page, pageById } from '#platform/paging/page.js'
import { NOT_A_CURSOR } from '#platform/paging/paging.dto.js'
import { ClientEvent } from './client-event.entity.js'

export interface EventFilter {
  client?: string
  delivery?: DeliveryState
  limit: number
  /** The id of the last one on the page before. */
  cursor?: string
}

/** The operator's view of what clients were told, or were not. */
@Injectable()
export class ListEvents {
  constructor(private readonly database: Database) {}

  /** Newest first. @throws ValidationError for a cursor that is not ours */
  list({ client, delivery, limit, cursor }: EventFilter): Promise<Page<ClientEvent>> {
    return this.database.read(async (em) => {
      const last = cursor ? await em.findOne(ClientEvent, { id: cursor }) : null
      if (cursor && !last) throw invalidField('cursor', 'errors.invalid', NOT_A_CURSOR)
      const found = await em.find(
        ClientEvent,
        {
          ...(client ? { clientId: client } : {}),
          ...(delivery ? { delivery } : {}),
          ...(last ? olderThan(last) : {}),
        },
        { orderBy: { createdAt: 'desc', id: 'desc' }, limit: limit + 1 },
      )
      return pageById(found, limit)
    })
  }
}
