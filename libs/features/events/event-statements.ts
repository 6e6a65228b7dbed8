import { recordActsOf } from '#domain/audit/record-act.js'
import { findNextAttemptIn, holdBackIn, type MessageTable, takeProbeIn } from '#domain/deliveries/host-breaker.js'
import { defineStatement } from '#platform/database/statement.js'

const recordEnd = (source: string, at: string, reason: string) =>
  recordActsOf(source, {
    ...{ client_id: 'client_id', at, act: `'event.' || delivery`, service_account_id: 'service_account_id' },
    ...{ subject: 'id', reason, details: `jsonb_build_object('type', type, 'attempts', attempts)::text` },
  })

const CLIENT_EVENTS: MessageTable = {
  name: 'client_events',
  state: 'delivery',
  isTellable: 'true',
  waitingSince: 'coalesce(r.redelivered_at, r.created_at)',
  audited: recordEnd,
}

export const FIND_NEXT_ATTEMPT = findNextAttemptIn(CLIENT_EVENTS)
export const HOLD_BACK = holdBackIn(CLIENT_EVENTS)
export const TAKE_PROBE = takeProbeIn(CLIENT_EVENTS)

/** What an event's message is made of. */
export interface ClaimedEvent {
  id: string
  client_id: string
  type: string
  service_account_id: string | null
  data: Record<string, unknown>
  created_at: Date
  attempts: number
  /** As the client has it registered at this moment. */
  event_url: string
  host_has_failed: boolean
}

/**
 * Takes the next attempt and notes its beginning. No row when there is none to make: told, leased to another worker, not
 * due, its client takes no events any more, or held back by its host's breaker.
 * Values: event, now, end of the lease, host, whether it is the host's probe.
 */
export const CLAIM_EVENT = defineStatement<ClaimedEvent>(
  'claim-event',
  `with claimed as (
     update client_events e set attempts = attempts + 1, lease_until = $3, ring_at = $3
     from clients c
     where e.id = $1 and e.delivery = 'waiting' and c.id = e.client_id and c.event_url is not null and c.disabled_at is null
       and (e.lease_until is null or e.lease_until < $2) and (e.next_attempt_at is null or e.next_attempt_at <= $2)
       and ($5::boolean or not exists (select 1 from callback_hosts h
         where h.client_id = e.client_id and h.host = $4 and h.open_until is not null))
     returning e.id, e.client_id, e.type, e.service_account_id, e.data, e.created_at, e.attempts, c.event_url
   )
   select *, exists (select 1 from callback_hosts h where h.client_id = claimed.client_id and h.host = $4) as host_has_failed
   from claimed`,
)

/** Changes nothing unless that attempt is still the newest. Values: event, number, status, failure, state, next attempt, end, now, why abandoned. */
export const RECORD_EVENT = defineStatement<{ id: string }>(
  'record-event',
  `with told as (
     update client_events
     set last_status = $3, last_failure = $4, delivery = $5, lease_until = null, next_attempt_at = $6, ring_at = $6,
       ended_at = $7, abandoned_because = $9
     where id = $1 and attempts = $2 and delivery = 'waiting'
     returning *
   ), audited as (
     ${recordEnd(`told where delivery <> 'waiting'`, '$8', 'coalesce(abandoned_because, last_failure)')}
   )
   select id from told`,
)

/** Ends what nobody wants to be told of any more. Values: event, now. */
export const END_POINTLESS = defineStatement<{ id: string }>(
  'end-pointless-event',
  `with ended as (
     update client_events e set delivery = 'abandoned', abandoned_because = 'withdrawn', lease_until = null, ring_at = null,
       ended_at = $2
     where id = $1 and delivery = 'waiting' and (lease_until is null or lease_until < $2)
       and not exists (select 1 from clients c
         where c.id = e.client_id and c.event_url is not null and c.disabled_at is null)
     returning *
   ), audited as (
     ${recordEnd('ended', '$2', `'withdrawn'`)}
   )
   select id from ended`,
)

/** One look at one index, whatever the table's size. Values: now, next ring, rows at most. */
export const TAKE_DUE_EVENTS = defineStatement<{ id: string; client_id: string; event_url: string | null }>(
  'take-due-events',
  `update client_events e set ring_at = $2
   from (
     select d.id, c.event_url from client_events d left join clients c on c.id = d.client_id
     where d.ring_at <= $1 order by d.ring_at limit $3 for update of d skip locked
   ) due
   where e.id = due.id
   returning e.id, e.client_id, due.event_url`,
)

/**
 * Lets abandoned events wait again, the oldest first. Those that were abandoned after the given time stay, so that whoever
 * repeats this comes to an end. Values: client or event, time, now, rows at most; actor, address and request id for the record.
 */
const redeliverBy = (column: 'client_id' | 'id') =>
  defineStatement<{ id: string }>(
    `redeliver-events-by-${column}`,
    `with chosen as materialized (
       select id from client_events
       where ${column} = $1 and delivery = 'abandoned' and abandoned_because <> 'withdrawn' and ended_at <= $2
       order by created_at, id limit $4 for update skip locked
     ), waiting as (
       update client_events e
       set delivery = 'waiting', abandoned_because = null, lease_until = null, next_attempt_at = null, ended_at = null,
         redelivered_at = $3, ring_at = $3
       from chosen where e.id = chosen.id
       returning e.*
     ), audited as (
       ${recordActsOf('waiting', {
         ...{ client_id: 'client_id', at: '$3', act: `'event.redelivered'`, service_account_id: 'service_account_id' },
         ...{ subject: 'id', actor: '$5', address: '$6', request_id: '$7' },
       })}
     )
     select id from waiting`,
  )

export const REDELIVER_OF_CLIENT = redeliverBy('client_id')
export const REDELIVER_ONE = redeliverBy('id')
