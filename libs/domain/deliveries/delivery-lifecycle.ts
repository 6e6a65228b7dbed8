import { hours, minutes, seconds } from '#platform/clock/clock.js'

/**
 * Whatever a client is told, in a callback or an event, moves in the same way. `waiting` until the client's receiver has
 * it. `delivered` when that answered 2xx, or when there is other proof that it was heard. `abandoned` for one of the
 * reasons below; redelivery by hand moves it back to `waiting`.
 */
export const DELIVERY_MOVES = {
  waiting: ['delivered', 'abandoned'],
  delivered: ['waiting'],
  abandoned: ['waiting'],
} as const

export type DeliveryState = keyof typeof DELIVERY_MOVES

/**
 * Why nobody is told any more. `gone`: the receiver answered 410. `url_refused`: we may not call that URL.
 * `host_unavailable`: its host was down for three days. `withdrawn`: there is nothing to tell, because the request was
 * cancelled, or its service account or client ended; of an event, because its client takes none any more.
 */
export const ABANDONED_BECAUSE = ['gone', 'url_refused', 'schedule_used_up', 'host_unavailable', 'withdrawn'] as const
export type AbandonedBecause = (typeof ABANDONED_BECAUSE)[number]

/** The wait before each delivery attempt, counted from the end of the one before: nine attempts over about 18 hours. */
export const DELIVERY_SCHEDULE = [
  seconds(0),
  seconds(5),
  seconds(30),
  minutes(2),
  minutes(10),
  minutes(30),
  hours(2),
  hours(5),
  hours(10),
] as const

const JITTER = 0.2
const LONGEST_WAIT = hours(24)

/**
 * How long until the next attempt, in milliseconds; null when the schedule is used up.
 * @param attempts how many have been made
 * @param askedFor seconds from `Retry-After`: lengthens the wait, never shortens it
 * @param chance in [0, 1): spreads the wait by a fifth either way, so that a receiver is not hit by all at once
 */
export function waitBeforeNextAttempt(attempts: number, askedFor: number | null, chance: number): number | null {
  const scheduled = DELIVERY_SCHEDULE[attempts]
  if (scheduled === undefined) return null
  const spread = scheduled * (1 + JITTER * (2 * chance - 1))
  return Math.min(Math.max(spread, seconds(askedFor ?? 0)), LONGEST_WAIT)
}
