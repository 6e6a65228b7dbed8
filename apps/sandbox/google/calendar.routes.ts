import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AccessToken } from './access-tokens.js'
import { callerOf, pageOf, type Query } from './api-caller.js'
import { type Calendar, eventResource, facts, iso, listEntry, TIME_ZONE } from './calendar-resources.js'
import { registerCalendarWrites } from './calendar-writes.routes.js'
import { badRequest, refusal } from './errors.js'
import { eventsBetween, findEvent, type SandboxEvent } from './events.js'
import type { GoogleWorld } from './google-world.js'
import { apiScopes } from './scopes.js'

const ANY = ['calendar', 'calendar.readonly'] as const
const LISTS = apiScopes(...ANY, 'calendar.calendarlist', 'calendar.calendarlist.readonly')
const CALENDARS = apiScopes(...ANY, 'calendar.calendars', 'calendar.calendars.readonly', 'calendar.app.created')
const EVENTS = apiScopes(
  ...ANY,
  'calendar.events',
  'calendar.events.readonly',
  'calendar.events.owned',
  'calendar.events.owned.readonly',
)
const FREE_BUSY = apiScopes(...ANY, 'calendar.freebusy', 'calendar.events.freebusy')
const SETTINGS = apiScopes(...ANY, 'calendar.settings.readonly')

type InCalendar = { Params: { calendarId: string }; Querystring: Query }

/** The Calendar API, version 3. */
export function registerCalendarRoutes(root: FastifyInstance, world: GoogleWorld): void {
  root.register(
    async (http) => {
      http.get<{ Querystring: Query }>('/users/me/calendarList', async (request) => {
        const caller = calendarUser(world, request, LISTS)
        const { items, nextPageToken } = pageOf(subscribed(caller), request.query, { normal: 100, most: 250 })
        return {
          kind: 'calendar#calendarList',
          etag: '"p33"',
          items: items.map((calendar) => listEntry(calendar)),
          ...(nextPageToken ? { nextPageToken } : { nextSyncToken: 'CPjF2' }),
        }
      })

      http.get<InCalendar>('/users/me/calendarList/:calendarId', async (request) => {
        const caller = calendarUser(world, request, LISTS)
        const { calendarId } = request.params
        const calendar = subscribed(caller).find(
          ({ id, primary }) => id === calendarId || (primary && calendarId === 'primary'),
        )
        if (!calendar) throw refusal('google.not_found')
        return listEntry(calendar)
      })

      http.get<InCalendar>('/calendars/:calendarId', async (request) => {
        const calendar = readable(world, calendarUser(world, request, CALENDARS), request.params.calendarId)
        return { kind: 'calendar#calendar', etag: '"c1"', ...facts(calendar) }
      })

      http.get<InCalendar>('/calendars/:calendarId/events', async (request) => {
        const calendar = readable(world, calendarUser(world, request, EVENTS), request.params.calendarId)
        const { items, nextPageToken } = pageOf(found(world, calendar, request.query), request.query, {
          normal: 250,
          most: 2500,
        })
        return {
          kind: 'calendar#events',
          etag: '"e1"',
          summary: calendar.summary,
          updated: world.clock.now().toISOString(),
          timeZone: TIME_ZONE,
          accessRole: calendar.primary ? 'owner' : 'reader',
          defaultReminders: [],
          items: items.map((event) => eventResource(calendar, event)),
          ...(nextPageToken ? { nextPageToken } : { nextSyncToken: 'CPjF3' }),
        }
      })

      http.get<{ Params: { calendarId: string; eventId: string } }>(
        '/calendars/:calendarId/events/:eventId',
        async (request) => {
          const calendar = readable(world, calendarUser(world, request, EVENTS), request.params.calendarId)
          const event = findInCalendar(world, calendar, request.params.eventId)
          if (!event) throw refusal('google.not_found')
          return eventResource(calendar, event)
        },
      )

      registerCalendarWrites(http, world)

      http.post('/freeBusy', async (request) => freeBusy(world, calendarUser(world, request, FREE_BUSY), request.body))

      http.get('/users/me/settings/timezone', async (request) => {
        calendarUser(world, request, SETTINGS)
        return { kind: 'calendar#setting', etag: '"s1"', id: 'timezone', value: TIME_ZONE }
      })
    },
    { prefix: '/calendar/v3' },
  )
}

export function calendarUser(world: GoogleWorld, request: FastifyRequest, scopes: readonly string[]): AccessToken {
  const caller = callerOf(world, request, scopes)
  if ('calendar' in caller.subject && !caller.subject.calendar) throw refusal('google.calendar_service_off')
  return caller
}

const primaryOf = ({ subject }: AccessToken): Calendar => ({ id: subject.email, summary: subject.email, primary: true })

/** People have the public holidays beside their own calendar: an id with a `#`, which is not everybody's friend. */
const subscribed = (caller: AccessToken): Calendar[] =>
  'organisation' in caller.subject
    ? [
        primaryOf(caller),
        { id: 'en.german#holiday@group.v.calendar.google.com', summary: 'Holidays in Germany', primary: false },
      ]
    : [primaryOf(caller)]

/**
 * Nobody has shared anything here: people read their own calendar, by any of their addresses, and administrators the
 * rooms of their organisation. To everybody else a calendar does not exist.
 */
function findReadable(world: GoogleWorld, caller: AccessToken, id: string): Calendar | null {
  const { subject } = caller
  if (id === 'primary' || id.toLowerCase() === subject.email || world.findUser(id) === subject) return primaryOf(caller)
  const subscription = subscribed(caller).find((calendar) => calendar.id === id)
  if (subscription) return subscription
  if (!('organisation' in subject) || !subject.isAdmin) return null
  const room = world.findRoom(subject.organisation, id.toLowerCase())
  return room && { id: room.email, summary: room.name, primary: false }
}

export function readable(world: GoogleWorld, caller: AccessToken, id: string): Calendar {
  const calendar = findReadable(world, caller, id)
  if (!calendar) throw refusal('google.not_found')
  return calendar
}

function found(world: GoogleWorld, calendar: Calendar, query: Query): SandboxEvent[] {
  const from = query.timeMin === undefined ? 0 : instant(query.timeMin)
  const to = query.timeMax === undefined ? Number.MAX_SAFE_INTEGER : instant(query.timeMax)
  if (to <= from) throw badRequest('The specified time range is empty.', 'timeRangeEmpty')
  if (query.orderBy === 'startTime' && query.singleEvents !== 'true') {
    throw badRequest('The requested ordering is not available for the particular query.', 'invalid')
  }
  return eventsIn(calendar, from, to, world)
}

function eventsIn({ id }: Calendar, from: number, to: number, world: GoogleWorld): SandboxEvent[] {
  if (id.includes('#holiday@')) return []
  return [...world.changedEvents.applied(id, eventsBetween(id, from, to, world.clock.nowMs()), from, to)]
}

export function findInCalendar(world: GoogleWorld, { id: calendar }: Calendar, id: string): SandboxEvent | null {
  const changed = world.changedEvents.find(calendar, id)
  return changed === undefined ? findEvent(calendar, id) : changed
}

interface FreeBusyQuery {
  timeMin?: unknown
  timeMax?: unknown
  items?: unknown
}

function freeBusy(world: GoogleWorld, caller: AccessToken, body: unknown) {
  const { timeMin, timeMax, items } = (body ?? {}) as FreeBusyQuery
  const [from, to] = [instant(timeMin), instant(timeMax)]
  if (to <= from) throw badRequest('The specified time range is empty.', 'timeRangeEmpty')
  if (!Array.isArray(items)) throw badRequest()
  const answers = items.map((item: { id?: unknown } | null) => {
    if (typeof item?.id !== 'string') throw badRequest()
    const calendar = findReadable(world, caller, item.id)
    if (!calendar) return [item.id, { errors: [{ domain: 'global', reason: 'notFound' }], busy: [] }] as const
    const busy = eventsIn(calendar, from, to, world).map(({ startMs, endMs }) => ({
      start: iso(Math.max(startMs, from)),
      end: iso(Math.min(endMs, to)),
    }))
    return [item.id, { busy }] as const
  })
  return { kind: 'calendar#freeBusy', timeMin: iso(from), timeMax: iso(to), calendars: Object.fromEntries(answers) }
}

/** RFC 3339, and an offset is required. */
export function instant(value: unknown): number {
  const text = typeof value === 'string' ? value : ''
  const milliseconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (Number.isNaN(milliseconds)) throw badRequest()
  return milliseconds
}
