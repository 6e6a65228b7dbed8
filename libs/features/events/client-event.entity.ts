import { defineEntity, p } from '@mikro-orm/core'
import type { AbandonedBecause, DeliveryState } from '#domain/deliveries/delivery-lifecycle.js'
import type { EventType } from '#domain/events/announce-event.js'

/** A change that a client is told of. Announced in the statement that made the change; from then on only delivered. */
const ClientEventSchema = defineEntity({
  name: 'ClientEvent',
  tableName: 'client_events',
  properties: {
    /** Also the `webhook-id`, the same at every attempt. */
    id: p.text().primary(),
    clientId: p.text(),
    type: p.text().$type<EventType>(),
    serviceAccountId: p.text().nullable(),
    data: p.json<Record<string, unknown>>(),
    delivery: p.text().$type<DeliveryState>(),
    abandonedBecause: p.text().$type<AbandonedBecause>().nullable(),
    attempts: p.integer().default(0),
    lastStatus: p.integer().nullable(),
    /** Our error code where there was no usable answer. */
    lastFailure: p.text().nullable(),
    leaseUntil: p.datetime().nullable(),
    /** No attempt before then. */
    nextAttemptAt: p.datetime().nullable(),
    /** When the sweep rings for it. Null: nothing is left to do. */
    ringAt: p.datetime().nullable(),
    createdAt: p.datetime(),
    redeliveredAt: p.datetime().nullable(),
    endedAt: p.datetime().nullable(),
  },
})
export class ClientEvent extends ClientEventSchema.class {}
ClientEventSchema.setClass(ClientEvent)
