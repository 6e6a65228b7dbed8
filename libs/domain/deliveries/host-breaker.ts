import { hours, minutes, seconds } from '#platform/clock/clock.js'
import { defineStatement } from '#platform/database/statement.js'

/** So many failures in a row open a host's breaker. */
export const OPENS_AFTER = 10
/** For so long at first, and twice as long after each probe that fails. */
export const OPEN_FOR = seconds(30)
export const LONGEST_OPEN = minutes(10)
/** What has waited so long for its host is abandoned, and listed. */
export const HELD_BACK_AT_MOST = hours(72)

// The breaker of one client's callback host, in the database, so that all workers see the same.
// Closed: no row, or `open_until` null. Open: `open_until` lies ahead. Half-open: it has passed, and whoever moves it on
// is the one probe; should the probe die, its lease passes and the next one probes.

/**
 * A table whose rows are messages to receivers, with `client_id`, `attempts`, `lease_until`, `next_attempt_at`, `ring_at`,
 * `ended_at` and `abandoned_because`. Both names are of ours, never of a caller's.
 */
export interface MessageTable {
  name: 'delegated_access_requests' | 'client_events'
  /** The column of its {@link DeliveryState}. */
  state: 'callback' | 'delivery'
  /** SQL over a row `r`: whether there is anything to tell by now. */
  isTellable: string
  /** SQL over a row `r`: since when it has waited. */
  waitingSince: string
  /** The audit's part of what is abandoned, over the CTE `abandoned`; it has the row's columns. */
  audited: (source: string, at: string, reason: string) => string
}

/**
 * Lets a message wait for its host, without an attempt; too long, and it is abandoned. No row when the host is not what
 * it waits for. Values: message, now, host, milliseconds to wait beyond the breaker.
 */
export const holdBackIn = ({ name, state, isTellable, waitingSince, audited }: MessageTable) =>
  defineStatement<{ ring_at: Date | null }>(
    `hold-back-in-${name}`,
    `with held as (
       select r.id as held_id, h.open_until + $4 * interval '1 ms' as again,
         ${waitingSince} < $2::timestamptz - interval '${HELD_BACK_AT_MOST} ms' as too_long
       from ${name} r
       join callback_hosts h on h.client_id = r.client_id and h.host = $3 and h.open_until > $2
       where r.id = $1
     ), left_waiting as (
       update ${name} r
       set ring_at = case when too_long then null else again end,
         ${state} = case when too_long then 'abandoned' else ${state} end,
         abandoned_because = case when too_long then 'host_unavailable' end,
         ended_at = case when too_long then $2::timestamptz end
       from held
       where r.id = held_id and ${state} = 'waiting' and ${isTellable} and (lease_until is null or lease_until < $2)
       returning r.*
     ), audited as (
       ${audited(`left_waiting where ${state} = 'abandoned'`, '$2', `'host_unavailable'`)}
     )
     select ring_at from left_waiting`,
  )

/** When a message that was rung for too early is due. No row for one that is due, or has nothing to wait for. Values: message, now. */
export const findNextAttemptIn = ({ name, state }: MessageTable) =>
  defineStatement<{ next_attempt_at: Date }>(
    `find-next-attempt-in-${name}`,
    `select next_attempt_at from ${name} where id = $1 and ${state} = 'waiting' and next_attempt_at > $2`,
  )

/** No row unless the breaker is half-open and this message may be its probe. Values: message, now, host, end of the lease. */
export const takeProbeIn = ({ name, state, isTellable }: MessageTable) =>
  defineStatement<{ host: string }>(
    `take-probe-in-${name}`,
    `update callback_hosts h set open_until = $4
     from ${name} r
     where r.id = $1 and r.${state} = 'waiting' and ${isTellable} and (r.lease_until is null or r.lease_until < $2)
       and (r.next_attempt_at is null or r.next_attempt_at <= $2)
       and h.client_id = r.client_id and h.host = $3 and h.open_until <= $2
     returning h.host`,
  )

/** An attempt of before that fails while the breaker is open changes nothing in it. Values: client, host, now, failure, is probe. */
export const NOTE_HOST_FAILURE = defineStatement(
  'note-host-failure',
  `insert into callback_hosts as known (client_id, host, failures, failed_probes, failing_since, last_failure)
   values ($1, $2, 1, 0, $3, $4)
   on conflict (client_id, host) do update set
     failures = known.failures + 1,
     failed_probes = known.failed_probes + $5::boolean::int,
     last_failure = excluded.last_failure,
     open_until = case
       when $5 then $3::timestamptz
         + least(interval '${OPEN_FOR} ms' * power(2, least(known.failed_probes + 1, 10)), interval '${LONGEST_OPEN} ms')
       when known.open_until is null and known.failures + 1 >= ${OPENS_AFTER}
         then $3::timestamptz + interval '${OPEN_FOR} ms'
       else known.open_until
     end`,
)

/** Values: client, host. */
export const NOTE_HOST_ANSWER = defineStatement(
  'note-host-answer',
  'delete from callback_hosts where client_id = $1 and host = $2',
)
