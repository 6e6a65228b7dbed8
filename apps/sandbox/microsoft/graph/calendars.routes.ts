import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { MicrosoftWorld } from '../microsoft-world.js'
import { queryOf } from '../request.js'
import type { User } from '../tenant.js'
import { registerCalendarWrites } from './calendar-writes.routes.js'
import { callerOf, openCalendar, openCalendarToWrite } from './caller.js'
import {
  CALENDAR_NAMES,
  calendarIdOf,
  type Event,
  eventBody,
  eventIdOf,
  eventsBetween,
  findEvent,
  sharedCalendarIdOf,
} from './events.js'
import { GraphError } from './graph-errors.js'
import { entity, pageBody, pageOf, slicePage } from './odata.js'
import { scheduleOf } from './schedule.js'

export interface OfCalendar {
  Params: { user?: string; calendar?: string; event?: string }
}

const EVENT_PAGE = { defaultSize: 10, maxSize: 1000 }
const FOUR_WEEKS_MS = 28 * 86_400_000
/** Longer windows are refused, as by Graph. */
const LONGEST_WINDOW_MS = 1825 * 86_400_000

/** Calendars of `/me` and of `/users/{id or address}`: the same paths below both. */
export function registerCalendarsRoutes(http: FastifyInstance, world: MicrosoftWorld): void {
  for (const whose of ['/me', '/users/:user']) {
    calendarsOf(http, world, whose)
    registerCalendarWrites(http, world, whose)
  }
}

/** Which mailbox, calendar and event a path names, as far as the caller may see or change them. */
export function placesIn(world: MicrosoftWorld) {
  const ownerOf = (request: FastifyRequest<OfCalendar>) =>
    openCalendar(callerOf(world, request), request.params.user ?? null)
  const sharedWith = (request: FastifyRequest<OfCalendar>): User[] =>
    ownerOf(request).sharedCalendars.flatMap((address) => callerOf(world, request).tenant.findMailbox(address) ?? [])
  return {
    ownerOf,
    sharedWith,
    placeOf: (request: FastifyRequest<OfCalendar>) => calendarOf(ownerOf(request), sharedWith(request), request),
    writableOf: (request: FastifyRequest<OfCalendar>) => {
      const owner = openCalendarToWrite(callerOf(world, request), request.params.user ?? null)
      return calendarOf(owner, sharedWith(request), request)
    },
    eventIn: ({ params: { event: id = '', calendar: named } }: FastifyRequest<OfCalendar>, place: Place): Event => {
      const event = findIn(world, place, id)
      if (!event || (named !== undefined && event.calendar !== place.calendar))
        throw new GraphError('microsoft.not_found')
      return event
    },
  }
}

/** An event is found by its id in whichever calendar of the mailbox it lies. */
function findIn({ changedEvents }: MicrosoftWorld, { owner }: Place, id: string): Event | null {
  for (const calendar of CALENDAR_NAMES.keys()) {
    const changed = changedEvents.find(calendarIdOf(owner, calendar), id)
    if (changed !== undefined) return changed
  }
  return findEvent(owner, id)
}

function calendarsOf(http: FastifyInstance, world: MicrosoftWorld, whose: string): void {
  const { ownerOf, sharedWith, placeOf, eventIn } = placesIn(world)
  const one = (request: FastifyRequest<OfCalendar>) => entity(request, eventBody(eventIn(request, placeOf(request))))

  http.get<OfCalendar>(`${whose}/calendars`, async (request) =>
    slicePage(request, pageOf(request, EVENT_PAGE), [
      ...CALENDAR_NAMES.map((_, calendar) => calendarBody(ownerOf(request), calendar)),
      ...sharedWith(request).map((owner) => sharedCalendarBody(ownerOf(request), owner)),
    ]),
  )
  for (const path of [`${whose}/calendar`, `${whose}/calendars/:calendar`]) {
    http.get<OfCalendar>(path, async (request) => {
      const { owner, calendar } = placeOf(request)
      const viewer = ownerOf(request)
      return entity(request, owner === viewer ? calendarBody(owner, calendar) : sharedCalendarBody(viewer, owner))
    })
    http.get<OfCalendar>(`${path}/calendarView`, async (request) => view(world, request, placeOf(request)))
    http.get<OfCalendar>(`${path}/events`, async (request) => list(world, request, placeOf(request)))
    http.get<OfCalendar>(`${path}/events/:event`, async (request) => one(request))
  }
  http.get<OfCalendar>(`${whose}/calendarView`, async (request) => view(world, request, placeOf(request)))
  http.get<OfCalendar>(`${whose}/events`, async (request) => list(world, request, placeOf(request)))
  http.get<OfCalendar>(`${whose}/events/:event`, async (request) => one(request))
  http.post<OfCalendar>(`${whose}/calendar/getSchedule`, async (request) => {
    ownerOf(request)
    return entity(request, { value: scheduleOf(callerOf(world, request).tenant, request.body) })
  })
}

export interface Place {
  owner: User
  calendar: number
}

/**
 * The default calendar where the path names none. A calendar that was shared is found in the mailbox it was shared with.
 * @throws GraphError for an id of another mailbox
 */
function calendarOf(viewer: User, shared: readonly User[], { params }: FastifyRequest<OfCalendar>): Place {
  if (params.calendar === undefined) return { owner: viewer, calendar: 0 }
  const calendar = CALENDAR_NAMES.findIndex((_, index) => calendarIdOf(viewer, index) === params.calendar)
  if (calendar >= 0) return { owner: viewer, calendar }
  const owner = shared.find((one) => sharedCalendarIdOf(viewer, one) === params.calendar)
  if (!owner) throw new GraphError('microsoft.not_found')
  return { owner, calendar: 0 }
}

function view(world: MicrosoftWorld, request: FastifyRequest<OfCalendar>, place: Place) {
  const query = Object.fromEntries(Object.entries(queryOf(request)).map(([name, value]) => [name.toLowerCase(), value]))
  if (!query.startdatetime || !query.enddatetime) throw new GraphError('graph.window_missing')
  return window(world, request, place, instantOf(query.startdatetime), instantOf(query.enddatetime))
}

/** Without a window Graph lists every event there is; here, four weeks around today. */
function list(world: MicrosoftWorld, request: FastifyRequest<OfCalendar>, place: Place) {
  const today = Math.floor(world.clock.nowMs() / 86_400_000) * 86_400_000
  return window(world, request, place, today - FOUR_WEEKS_MS / 2, today + FOUR_WEEKS_MS / 2)
}

function window(
  world: MicrosoftWorld,
  request: FastifyRequest<OfCalendar>,
  { owner, calendar }: Place,
  fromMs: number,
  toMs: number,
) {
  if (toMs - fromMs > LONGEST_WINDOW_MS)
    throw new GraphError('graph.bad_request', { what: 'The requested duration is longer than 1825 days.' })
  const page = pageOf(request, EVENT_PAGE)
  const shown: Event[] = []
  let skipped = 0
  for (const event of eventsIn(world, { owner, calendar }, fromMs, toMs)) {
    if (skipped < page.offset) skipped += 1
    else if (shown.push(event) > page.size) break
  }
  return pageBody(request, page, shown.slice(0, page.size).map(eventBody), shown.length > page.size)
}

const eventsIn = ({ changedEvents }: MicrosoftWorld, { owner, calendar }: Place, fromMs: number, toMs: number) =>
  changedEvents.any
    ? changedEvents.applied(
        calendarIdOf(owner, calendar),
        named(eventsBetween(owner, calendar, fromMs, toMs)),
        fromMs,
        toMs,
      )
    : eventsBetween(owner, calendar, fromMs, toMs)

const named = (events: Iterable<Event>) => [...events].map((event) => ({ ...event, id: eventIdOf(event) }))

/** Graph reads a time without an offset as UTC. */
export function instantOf(text: string): number {
  const ms = Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(text) || !text.includes('T') ? text : `${text}Z`)
  if (Number.isNaN(ms)) throw new GraphError('graph.bad_request', { what: `'${text}' is not a valid DateTime.` })
  return ms
}

const calendarBody = (owner: User, calendar: number) => ({
  id: calendarIdOf(owner, calendar),
  name: CALENDAR_NAMES[calendar],
  color: 'auto',
  hexColor: '',
  isDefaultCalendar: calendar === 0,
  changeKey: 'AAAA',
  canShare: true,
  canViewPrivateItems: true,
  canEdit: true,
  allowedOnlineMeetingProviders: ['teamsForBusiness'],
  defaultOnlineMeetingProvider: 'teamsForBusiness',
  isTallyingResponses: true,
  isRemovable: calendar !== 0,
  owner: { name: owner.displayName, address: owner.mail ?? owner.upn },
})

const sharedCalendarBody = (viewer: User, owner: User) => ({
  ...calendarBody(owner, 0),
  id: sharedCalendarIdOf(viewer, owner),
  name: owner.displayName,
  isDefaultCalendar: false,
  canEdit: false,
  canShare: false,
  isRemovable: true,
})
