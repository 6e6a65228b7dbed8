import { createHash } from 'node:crypto'
import type { User } from '../tenant.js'

/**
 * Calendars without storage: which event lies where follows from mailbox, calendar and day, so the same request has the
 * same answer after every start, and a hundred thousand mailboxes weigh nothing.
 * "Calendar" has two events on each weekday, "Team" one on each Monday.
 */
export const CALENDAR_NAMES = ['Calendar', 'Team'] as const

const DAY_MS = 86_400_000
const HALF_HOUR_MS = 1_800_000
const SUBJECTS = [
  'Budget review',
  'Customer call',
  'Interview',
  'Planning',
  'One to one',
  'Design review',
  'Retrospective',
]

export interface Event {
  owner: User
  calendar: number
  /** Days since 1970-01-01, UTC. */
  day: number
  slot: number
  subject: string
  startMs: number
  endMs: number
  /** Of one that was written; others are named by where they lie. */
  id?: string
}

export function* eventsBetween(owner: User, calendar: number, fromMs: number, toMs: number): Generator<Event> {
  for (let day = Math.floor(fromMs / DAY_MS); day * DAY_MS < toMs; day += 1)
    for (const event of eventsOn(owner, calendar, day)) if (event.startMs < toMs && event.endMs > fromMs) yield event
}

function eventsOn(owner: User, calendar: number, day: number): Event[] {
  // 1970-01-01 was a Thursday.
  const weekday = (day + 4) % 7
  const made = (slot: number, subject: string, hour: number, halfHours: number): Event => {
    const startMs = day * DAY_MS + hour * 2 * HALF_HOUR_MS
    return { owner, calendar, day, slot, subject, startMs, endMs: startMs + halfHours * HALF_HOUR_MS }
  }
  if (calendar === 1) return weekday === 1 ? [made(0, 'Team meeting', 11, 2)] : []
  if (weekday === 0 || weekday === 6) return []
  const variety = hashOf(owner.id, day)
  const subject = SUBJECTS[variety % SUBJECTS.length] as string
  return [made(0, 'Stand-up', 9, 1), made(1, subject, 13 + (variety % 4), 2)]
}

/** FNV-1a: cheap, and spreads well enough to make days differ. */
function hashOf(id: string, day: number): number {
  let hash = 2_166_136_261 ^ day
  for (let index = 0; index < id.length; index += 1) hash = Math.imul(hash ^ id.charCodeAt(index), 16_777_619)
  return hash >>> 0
}

/** A calendar that was shared lies in the mailbox of whom it was shared with, under an id of its own. */
export const sharedCalendarIdOf = (viewer: User, owner: User) =>
  `AAMk${createHash('sha256').update(`shared ${owner.id} with ${viewer.id}`).digest('base64url')}AAA=`

export const calendarIdOf = (owner: User, calendar: number) =>
  `AAMk${createHash('sha256').update(`${owner.id} ${CALENDAR_NAMES[calendar]}`).digest('base64url')}AAA=`

export const eventIdOf = ({ id, owner, calendar, day, slot }: Event) =>
  id ?? `AAMk${Buffer.from(`${owner.id} ${calendar} ${day} ${slot}`).toString('base64url')}AAA=`

/** Null for an id of another mailbox, and for one that never was. */
export function findEvent(owner: User, id: string): Event | null {
  const [, calendar, day, slot] = Buffer.from(id.slice(4, -4), 'base64url').toString().split(' ')
  if (!/^\d+$/.test(`${calendar}${day}${slot}`)) return null
  const event = eventsOn(owner, Number(calendar), Number(day))[Number(slot)]
  return event && eventIdOf(event) === id ? event : null
}

export function eventBody(event: Event) {
  const { owner, subject, startMs, endMs } = event
  const id = eventIdOf(event)
  const madeAt = new Date(startMs - 7 * DAY_MS).toISOString()
  return {
    '@odata.etag': `W/"${event.day}"`,
    id,
    createdDateTime: madeAt,
    lastModifiedDateTime: madeAt,
    changeKey: String(event.day),
    iCalUId: `040000008200E000${id.slice(4, 40)}`,
    subject,
    bodyPreview: '',
    body: { contentType: 'html', content: '' },
    importance: 'normal',
    sensitivity: 'normal',
    showAs: 'busy',
    type: 'singleInstance',
    isAllDay: false,
    isCancelled: false,
    isOrganizer: true,
    start: dateTime(startMs),
    end: dateTime(endMs),
    location: { displayName: '', locationType: 'default' },
    attendees: [],
    organizer: { emailAddress: { name: owner.displayName, address: owner.mail ?? owner.upn } },
    webLink: `https://outlook.office365.com/owa/?itemid=${encodeURIComponent(id)}&path=/calendar/item`,
  }
}

export const dateTime = (ms: number) => ({
  dateTime: `${new Date(ms).toISOString().slice(0, 19)}.0000000`,
  timeZone: 'UTC',
})
