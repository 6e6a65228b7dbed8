import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { MicrosoftWorld } from '../microsoft-world.js'
import { instantOf, type OfCalendar, placesIn } from './calendars.routes.js'
import { calendarIdOf, type Event, eventBody, eventIdOf } from './events.js'
import { GraphError } from './graph-errors.js'
import { entity } from './odata.js'

interface SentEvent {
  subject?: unknown
  start?: { dateTime?: unknown }
  end?: { dateTime?: unknown }
}

const DAY_MS = 86_400_000

/** Writing into calendars of `/me` and of `/users/{id or address}`: kept until the world is seeded anew. */
export function registerCalendarWrites(http: FastifyInstance, world: MicrosoftWorld, whose: string): void {
  const { writableOf, eventIn } = placesIn(world)
  const put = (event: Event & { id: string }) =>
    world.changedEvents.put(calendarIdOf(event.owner, event.calendar), event)

  for (const path of [whose, `${whose}/calendar`, `${whose}/calendars/:calendar`]) {
    http.post<OfCalendar>(`${path}/events`, async (request, reply) => {
      const { owner, calendar } = writableOf(request)
      const { subject = '', startMs, endMs } = partial(request.body)
      if (startMs === undefined || endMs === undefined || endMs < startMs)
        throw new GraphError('graph.bad_request', { what: "The 'start' and 'end' of the event are required." })
      const day = Math.floor(startMs / DAY_MS)
      const written = `AAMk${randomBytes(24).toString('base64url')}AAA=`
      const event = put({ owner, calendar, day, slot: 0, subject, startMs, endMs, id: written })
      return reply.code(201).send(entity(request, eventBody(event)))
    })
    http.patch<OfCalendar>(`${path}/events/:event`, async (request) => {
      const event = eventIn(request, writableOf(request))
      return entity(request, eventBody(put({ ...event, id: eventIdOf(event), ...partial(request.body) })))
    })
    const remove = async (request: FastifyRequest<OfCalendar>) => {
      const event = eventIn(request, writableOf(request))
      world.changedEvents.delete(calendarIdOf(event.owner, event.calendar), eventIdOf(event))
    }
    http.delete<OfCalendar>(`${path}/events/:event`, async (request, reply) => {
      await remove(request)
      return reply.code(204).send()
    })
    http.post<OfCalendar>(`${path}/events/:event/cancel`, async (request, reply) => {
      await remove(request)
      return reply.code(202).send()
    })
    for (const answer of ['accept', 'decline', 'tentativelyAccept'])
      http.post<OfCalendar>(`${path}/events/:event/${answer}`, async (request, reply) => {
        eventIn(request, writableOf(request))
        return reply.code(202).send()
      })
  }
  http.post<OfCalendar>(`${whose}/calendars`, async (request, reply) => {
    const { owner } = writableOf(request)
    const { name } = (request.body ?? {}) as { name?: unknown }
    if (typeof name !== 'string') throw new GraphError('graph.bad_request', { what: 'The name is required.' })
    const id = `AAMk${randomBytes(24).toString('base64url')}AAA=`
    return reply.code(201).send(entity(request, { id, name, owner: { name: owner.displayName, address: owner.mail } }))
  })
}

function partial(body: unknown): Partial<Pick<Event, 'subject' | 'startMs' | 'endMs'>> {
  const { subject, start, end } = (body ?? {}) as SentEvent
  return {
    ...(subject !== undefined && { subject: String(subject) }),
    ...(start && { startMs: instantOf(String(start.dateTime)) }),
    ...(end && { endMs: instantOf(String(end.dateTime)) }),
  }
}
