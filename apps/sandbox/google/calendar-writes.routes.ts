import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AccessToken } from './access-tokens.js'
import { calendarUser, findInCalendar, instant, readable } from './calendar.routes.js'
import { type Calendar, eventResource, facts } from './calendar-resources.js'
import { badRequest, refusal } from './errors.js'
import type { SandboxEvent } from './events.js'
import type { GoogleWorld } from './google-world.js'
import { apiScopes } from './scopes.js'

const EVENTS = apiScopes('calendar', 'calendar.events', 'calendar.events.owned')
const CALENDARS = apiScopes('calendar', 'calendar.calendars', 'calendar.app.created')

type OfEvent = { Params: { calendarId: string; eventId: string } }

interface SentEvent {
  status?: unknown
  summary?: unknown
  start?: { dateTime?: unknown; date?: unknown }
  end?: { dateTime?: unknown; date?: unknown }
}

/** The write half of the Calendar API: what is written stays until the world is seeded anew. */
export function registerCalendarWrites(http: FastifyInstance, world: GoogleWorld): void {
  const placeOf = (request: FastifyRequest<{ Params: { calendarId: string } }>) =>
    writable(world, calendarUser(world, request, EVENTS), request.params.calendarId)
  const eventOf = (request: FastifyRequest<OfEvent>) => {
    const calendar = placeOf(request)
    const event = findInCalendar(world, calendar, request.params.eventId)
    if (!event) throw refusal('google.not_found')
    return { calendar, event }
  }
  const put = (calendar: Calendar, event: SandboxEvent) =>
    eventResource(calendar, world.changedEvents.put(calendar.id, event))

  http.post<{ Params: { calendarId: string } }>('/calendars/:calendarId/events', async (request) => {
    const calendar = placeOf(request)
    return put(calendar, { id: `w${randomBytes(8).toString('hex')}`, ...whole(request.body) })
  })
  /** What is cancelled is deleted, and shown once more. */
  const cancelled = ({ calendar, event }: ReturnType<typeof eventOf>) => {
    world.changedEvents.delete(calendar.id, event.id)
    return { ...eventResource(calendar, event), status: 'cancelled' }
  }
  http.put<OfEvent>('/calendars/:calendarId/events/:eventId', async (request) => {
    const { calendar, event } = eventOf(request)
    if (cancels(request.body)) return cancelled({ calendar, event })
    return put(calendar, { id: event.id, ...whole(request.body) })
  })
  http.patch<OfEvent>('/calendars/:calendarId/events/:eventId', async (request) => {
    const { calendar, event } = eventOf(request)
    if (cancels(request.body)) return cancelled({ calendar, event })
    return put(calendar, { ...event, ...partial(request.body) })
  })
  http.delete<OfEvent>('/calendars/:calendarId/events/:eventId', async (request, reply) => {
    const { calendar, event } = eventOf(request)
    world.changedEvents.delete(calendar.id, event.id)
    return reply.code(204).send()
  })
  http.post('/calendars', async (request) => {
    calendarUser(world, request, CALENDARS)
    const { summary } = (request.body ?? {}) as { summary?: unknown }
    if (typeof summary !== 'string') throw badRequest('Missing title.', 'required')
    const id = `c_${randomBytes(16).toString('hex')}@group.calendar.google.com`
    return { kind: 'calendar#calendar', etag: '"c1"', ...facts({ id, summary, primary: false }) }
  })
}

function writable(world: GoogleWorld, caller: AccessToken, id: string): Calendar {
  const calendar = readable(world, caller, id)
  // A subscription is there to be read.
  if (calendar.id.includes('#holiday@')) throw refusal('google.not_found')
  return calendar
}

const cancels = (body: unknown) => (body as SentEvent | null)?.status === 'cancelled'

function whole(body: unknown): Omit<SandboxEvent, 'id'> {
  const { summary = '', startMs, endMs } = partial(body)
  if (startMs === undefined) throw badRequest('Missing start time.', 'required')
  if (endMs === undefined) throw badRequest('Missing end time.', 'required')
  if (endMs <= startMs) throw badRequest('The specified time range is empty.', 'timeRangeEmpty')
  return { summary, startMs, endMs }
}

function partial(body: unknown): Partial<Omit<SandboxEvent, 'id'>> {
  const { summary, start, end } = (body ?? {}) as SentEvent
  return {
    ...(summary !== undefined && { summary: String(summary) }),
    ...(start && { startMs: instant(start.dateTime) }),
    ...(end && { endMs: instant(end.dateTime) }),
  }
}
