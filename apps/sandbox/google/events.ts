import { createHash } from 'node:crypto'

export interface SandboxEvent {
  id: string
  summary: string
  startMs: number
  endMs: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const HELD_DAYS_BEFORE = 30
const HELD_DAYS_AFTER = 180
const SUMMARIES = [
  'Stand-up',
  'Planning',
  'Review',
  'Interview',
  'Call with a customer',
  'Lunch',
  'Focus time',
  'Retrospective',
]

/**
 * What stands in a calendar: made up from its address and the day, so that nothing is stored and every start shows the
 * same. Weekdays, none to three a day, never overlapping, all times UTC; from a month ago to half a year ahead.
 */
export function eventsBetween(calendar: string, fromMs: number, toMs: number, nowMs: number): SandboxEvent[] {
  const today = Math.floor(nowMs / DAY_MS)
  const first = Math.max(Math.floor(fromMs / DAY_MS), today - HELD_DAYS_BEFORE)
  const last = Math.min(Math.floor(toMs / DAY_MS), today + HELD_DAYS_AFTER)
  const events: SandboxEvent[] = []
  for (let day = first; day <= last; day += 1) {
    events.push(...eventsOfDay(calendar, day).filter(({ startMs, endMs }) => endMs > fromMs && startMs < toMs))
  }
  return events
}

/** Null when this calendar has no such event. */
export function findEvent(calendar: string, id: string): SandboxEvent | null {
  const [, day] = /^e([0-9a-v]{4})/.exec(id) ?? []
  if (day === undefined) return null
  return eventsOfDay(calendar, Number.parseInt(day, 32)).find((event) => event.id === id) ?? null
}

function eventsOfDay(calendar: string, day: number): SandboxEvent[] {
  const weekday = (day + 4) % 7 // the first of January 1970 was a Thursday
  if (weekday === 0 || weekday === 6) return []
  const dice = createHash('sha256').update(`${calendar} ${day}`).digest()
  return Array.from({ length: dice.readUInt8(0) % 4 }, (_, index) => {
    const die = dice.readUInt8(index + 1)
    const startMs = day * DAY_MS + (8 + index * 3 + (die % 2)) * HOUR_MS + (die & 4 ? HOUR_MS / 2 : 0)
    return {
      // Google's alphabet for event ids: base32hex in lower case.
      id: `e${day.toString(32).padStart(4, '0')}${index}${dice.readUInt32BE(8).toString(32)}`,
      summary: SUMMARIES[dice.readUInt8(index + 4) % SUMMARIES.length] ?? 'Meeting',
      startMs,
      endMs: startMs + (die & 8 ? HOUR_MS : HOUR_MS / 2),
    }
  })
}
