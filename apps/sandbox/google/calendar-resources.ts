import type { SandboxEvent } from './events.js'

/** Every calendar here keeps this zone; what is read says so. */
export const TIME_ZONE = 'UTC'

export interface Calendar {
  id: string
  summary: string
  primary: boolean
}

export const iso = (milliseconds: number) => new Date(milliseconds).toISOString().replace('.000Z', 'Z')

export const facts = ({ id, summary }: Calendar) => ({
  id,
  summary,
  timeZone: TIME_ZONE,
  conferenceProperties: { allowedConferenceSolutionTypes: ['hangoutsMeet'] },
})

export const listEntry = (calendar: Calendar) => ({
  kind: 'calendar#calendarListEntry',
  etag: '"l1"',
  ...facts(calendar),
  colorId: '14',
  backgroundColor: '#9fe1e7',
  foregroundColor: '#000000',
  selected: true,
  accessRole: calendar.primary ? 'owner' : 'reader',
  defaultReminders: [],
  ...(calendar.primary && { primary: true }),
})

export const eventResource = (calendar: Calendar, { id, summary, startMs, endMs }: SandboxEvent) => ({
  kind: 'calendar#event',
  etag: `"${startMs}"`,
  id,
  status: 'confirmed',
  htmlLink: `https://www.google.com/calendar/event?eid=${Buffer.from(`${id} ${calendar.id}`).toString('base64url')}`,
  created: iso(startMs - 14 * 24 * 3_600_000),
  updated: iso(startMs - 14 * 24 * 3_600_000),
  summary,
  creator: { email: calendar.id, self: true },
  organizer: { email: calendar.id, self: true },
  start: { dateTime: iso(startMs), timeZone: TIME_ZONE },
  end: { dateTime: iso(endMs), timeZone: TIME_ZONE },
  iCalUID: `${id}@google.com`,
  sequence: 0,
  reminders: { useDefault: true },
  eventType: 'default',
})
