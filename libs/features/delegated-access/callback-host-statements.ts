import { recordActsOf } from '#domain/audit/record-act.js'
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
 * Lets a request wait for its host, without an attempt; too long, and it is abandoned. No row when the host is not what
 * it waits for. Values: request, now, host, milliseconds to wait beyond the breaker.
 */
export const HOLD_BACK = defineStatement<{ ring_at: Date | null }>(
  'hold-back',
  `with held as (
     select r.id, h.open_until + $4 * interval '1 ms' as again,
       coalesce(r.redelivered_at, r.decided_at) < $2::timestamptz - interval '${HELD_BACK_AT_MOST} ms' as too_long
     from delegated_access_requests r
     join callback_hosts h on h.client_id = r.client_id and h.host = $3 and h.open_until > $2
     where r.id = $1
   ), left_waiting as (
     update delegated_access_requests r
     set ring_at = case when too_long then null else again end,
       callback = case when too_long then 'abandoned' else callback end,
       abandoned_because = case when too_long then 'host_unavailable' end,
       ended_at = case when too_long then $2::timestamptz end
     from held
     where r.id = held.id and callback = 'waiting' and decision in ('granted', 'denied')
       and (lease_until is null or lease_until < $2)
     returning r.id, r.client_id, r.service_account_id, r.email, r.callback, r.ring_at
   ), audited as (
     ${recordActsOf(`left_waiting where callback = 'abandoned'`, {
       ...{ client_id: 'client_id', at: '$2', act: `'callback.abandoned'`, service_account_id: 'service_account_id' },
       ...{ mailbox: 'email', subject: 'id', reason: `'host_unavailable'` },
     })}
   )
   select ring_at from left_waiting`,
)

/** No row unless the breaker is half-open and this request may be its probe. Values: request, now, host, end of the lease. */
export const TAKE_PROBE = defineStatement<{ host: string }>(
  'take-probe',
  `update callback_hosts h set open_until = $4
   from delegated_access_requests r
   where r.id = $1 and r.callback = 'waiting' and r.decision in ('granted', 'denied')
     and (r.lease_until is null or r.lease_until < $2)
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
