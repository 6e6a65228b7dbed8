import { hashOf } from '#platform/secrets/random.js'
import type { AuditEvent } from './audit-event.js'

/** A row of another version is hashed by the function of that version, for ever. */
export const VERSION = 1

/** What the first row follows. */
export const BEFORE_ALL = hashOf('mandate-audit')

type Unhashed = Omit<AuditEvent, 'hash'>

/**
 * Version 1: a JSON array of every column but the hash itself, in this order. Strings, nulls and one whole number, so that
 * there is one way to write it; the time is text that PostgreSQL was told the form of ({@link EVENT_TIME}).
 */
const canonical = (event: Unhashed): string =>
  JSON.stringify([
    'mandate-audit-1',
    ...[event.client_id, event.sequence, event.previous, event.at, event.act, event.actor, event.address],
    ...[event.request_id, event.service_account_id, event.mailbox, event.subject, event.reason, event.details],
  ])

/** Null: a version that this code does not know. */
export const hashOfEvent = (event: Unhashed): string | null =>
  event.version === VERSION ? hashOf(canonical(event)) : null

/** Independent of the session's time zone and date style, and exact: the column holds milliseconds and no more. */
export const EVENT_TIME = `to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** For `select`: a row of `audit_events` as an {@link AuditEvent}. To go by the index, order by `audit_events.sequence`: the plain name is the cast. */
export const EVENT_COLUMNS = `client_id, sequence::float8 as sequence, version, ${EVENT_TIME} as at, act, actor, address,
  request_id, service_account_id, mailbox, subject, reason, details, previous, hash`
