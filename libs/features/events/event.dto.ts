import { z } from 'zod'
import type { Client } from '#domain/clients/client.entity.js'
import { ABANDONED_BECAUSE, DELIVERY_MOVES, type DeliveryState } from '#domain/deliveries/delivery-lifecycle.js'
import { EVENTS, type EventType } from '#domain/events/announce-event.js'
import { timeAnswer } from '#platform/http/openapi/answers.js'
import { requiredText } from '#platform/http/read-input.js'
import type { Page } from '#platform/paging/page.js'
import { limitDto, nextCursorAnswer } from '#platform/paging/paging.dto.js'
import type { ClientEvent } from './client-event.entity.js'
import type { EventRedelivery } from './redeliver-events.js'

// `/admin/v1` and the CLI speak this one language: what a command prints with `--json` is what its route answers.

const delivery = z.enum(Object.keys(DELIVERY_MOVES) as DeliveryState[])

export const eventListDto = z.strictObject({
  client: requiredText(512).optional(),
  delivery: delivery.optional(),
  limit: limitDto(),
  cursor: requiredText(64).optional(),
})

export const redeliverEventsDto = z
  .strictObject({
    client: requiredText(512).optional(),
    event: requiredText(64).optional(),
    abandoned_before: z.iso.datetime().optional(),
  })
  .refine(({ client, event }) => (client === undefined) !== (event === undefined), {
    path: ['client'],
    error: 'name a client or an event, and not both',
  })

export const eventUrlClientDto = z.strictObject({ id: requiredText(512) })

export const eventUrlDto = z.strictObject({
  event_url: requiredText(2048).nullable().meta({ description: 'Null: it is told nothing any more.' }),
})

export const eventUrlAnswer = z.strictObject({ client_id: z.string(), event_url: z.string().nullable() })

export const toEventUrlBody = ({ id, eventUrl }: Client): z.infer<typeof eventUrlAnswer> => ({
  client_id: id,
  event_url: eventUrl ?? null,
})

const event = z.strictObject({
  id: z.string().meta({ description: 'Begins with `evt_`; the `webhook-id` of every attempt.' }),
  client_id: z.string(),
  type: z.enum(Object.keys(EVENTS) as EventType[]),
  service_account_id: z.string().nullable(),
  delivery,
  abandoned_because: z.enum(ABANDONED_BECAUSE).nullable(),
  attempts: z.int(),
  last_status: z.int().nullable(),
  last_failure: z.string().nullable(),
  created_at: timeAnswer,
  ended_at: timeAnswer.nullable(),
})

export const eventPageAnswer = z.strictObject({
  events: z.array(event),
  next_cursor: nextCursorAnswer,
})

export const redeliveredAnswer = z.strictObject({
  redelivered: z.int(),
  abandoned_before: timeAnswer,
  done: z.boolean().meta({ description: 'Else repeat it with the `abandoned_before` of this answer.' }),
})

export const toRedeliveredBody = ({ redelivered, abandonedBefore, done }: EventRedelivery) => ({
  redelivered,
  abandoned_before: abandonedBefore.toISOString(),
  done,
})

export const toEventPageBody = ({ rows, nextCursor }: Page<ClientEvent>): z.infer<typeof eventPageAnswer> => ({
  events: rows.map(toEventBody),
  next_cursor: nextCursor,
})

const toEventBody = (event: ClientEvent) => ({
  id: event.id,
  client_id: event.clientId,
  type: event.type,
  service_account_id: event.serviceAccountId ?? null,
  delivery: event.delivery,
  abandoned_because: event.abandonedBecause ?? null,
  attempts: event.attempts,
  last_status: event.lastStatus ?? null,
  last_failure: event.lastFailure ?? null,
  created_at: event.createdAt.toISOString(),
  ended_at: event.endedAt?.toISOString() ?? null,
})
