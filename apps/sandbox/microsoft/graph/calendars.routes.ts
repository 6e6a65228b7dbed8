import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { MicrosoftWorld } from '../microsoft-world.js'
import { queryOf } from '../request.js'
import type { User } from '../tenant.js'
import { callerOf, openCalendar } from './caller.js'
import { CALENDAR_NAMES, calendarIdOf, type Event, eventBody, eventsBetween, findEvent } from './events.js'
import { GraphError } from './graph-errors.js'
import { entity, pageBody, pageOf, slicePage } from './odata.js'
import { scheduleOf } from './schedule.js'

interface OfCalendar {
  Params: { user?: string; calendar?: string; event?: string }
}

const EVENT_PAGE = { defaultSize: 10, maxSize: 1000 }
const FOUR_WEEKS_MS = 28 * 86_400_000
/** Longer windows are refused, as by Graph. */
const LONGEST_WINDOW_MS = 1825 * 86_400_000

/** Calendars of `/me` and of `/users/{id or address}`: the same paths below both. */
export function registerCalendarsRoutes(http: FastifyInstance, world: MicrosoftWorld): void {
  for (const whose of ['/me', '/users/:user']) calendarsOf(http, world, whose)
}

function calendarsOf(http: FastifyInstance, world: MicrosoftWorld, whose: string): void {
  const ownerOf = (request: FastifyRequest<OfCalendar>) =>
    openCalendar(callerOf(world, request), request.params.user ?? null)

  http.get<OfCalendar>(`${whose}/calendars`, async (request) =>
    slicePage(
      request,
      pageOf(request, EVENT_PAGE),
      CALENDAR_NAMES.map((_, calendar) => calendarBody(ownerOf(request), calendar)),
    ),
  )
  for (const path of [`${whose}/calendar`, `${whose}/calendars/:calendar`]) {
    http.get<OfCalendar>(path, async (request) => {
      const owner = ownerOf(request)
      return entity(request, calendarBody(owner, calendarOf(owner, request)))
    })
    http.get<OfCalendar>(`${path}/calendarView`, async (request) => view(request, ownerOf(request)))
    http.get<OfCalendar>(`${path}/events`, async (request) => list(world, request, ownerOf(request)))
    http.get<OfCalendar>(`${path}/events/:event`, async (request) => one(request, ownerOf(request)))
  }
  http.get<OfCalendar>(`${whose}/calendarView`, async (request) => view(request, ownerOf(request)))
  http.get<OfCalendar>(`${whose}/events`, async (request) => list(world, request, ownerOf(request)))
  http.get<OfCalendar>(`${whose}/events/:event`, async (request) => one(request, ownerOf(request)))
  http.post<OfCalendar>(`${whose}/calendar/getSchedule`, async (request) => {
    ownerOf(request)
    return entity(request, { value: scheduleOf(callerOf(world, request).tenant, request.body) })
  })
}

/** The default calendar where the path names none. @throws GraphError for an id of another mailbox */
function calendarOf(owner: User, { params }: FastifyRequest<OfCalendar>): number {
  if (params.calendar === undefined) return 0
  const calendar = CALENDAR_NAMES.findIndex((_, index) => calendarIdOf(owner, index) === params.calendar)
  if (calendar < 0) throw new GraphError('microsoft.not_found')
  return calendar
}

function view(request: FastifyRequest<OfCalendar>, owner: User) {
  const query = Object.fromEntries(Object.entries(queryOf(request)).map(([name, value]) => [name.toLowerCase(), value]))
  if (!query.startdatetime || !query.enddatetime) throw new GraphError('graph.window_missing')
  return window(request, owner, instantOf(query.startdatetime), instantOf(query.enddatetime))
}

/** Without a window Graph lists every event there is; here, four weeks around today. */
function list(world: MicrosoftWorld, request: FastifyRequest<OfCalendar>, owner: User) {
  const today = Math.floor(world.clock.nowMs() / 86_400_000) * 86_400_000
  return window(request, owner, today - FOUR_WEEKS_MS / 2, today + FOUR_WEEKS_MS / 2)
}

function window(request: FastifyRequest<OfCalendar>, owner: User, fromMs: number, toMs: number) {
  if (toMs - fromMs > LONGEST_WINDOW_MS)
    throw new GraphError('graph.bad_request', { what: 'The requested duration is longer than 1825 days.' })
  const page = pageOf(request, EVENT_PAGE)
  const shown: Event[] = []
  let skipped = 0
  for (const event of eventsBetween(owner, calendarOf(owner, request), fromMs, toMs)) {
    if (skipped < page.offset) skipped += 1
    else if (shown.push(event) > page.size) break
  }
  return pageBody(request, page, shown.slice(0, page.size).map(eventBody), shown.length > page.size)
}

function one(request: FastifyRequest<OfCalendar>, owner: User) {
  const event = findEvent(owner, request.params.event ?? '')
  if (!event || (request.params.calendar !== undefined && event.calendar !== calendarOf(owner, request)))
    throw new GraphError('microsoft.not_found')
  return entity(request, eventBody(event))
}

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
