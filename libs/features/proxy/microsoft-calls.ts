import type { Account } from '#domain/grants/account.entity.js'
import type { DelegatedPermission } from '#domain/providers/delegated-scopes.js'
import { sameAddress } from '#domain/providers/mailbox-address.js'
import { type AdmittedCall, admitCall, idLike, shapesBelow } from './admit-call.js'
import { notAdmitted } from './proxy.errors.js'
import type { RequestTarget } from './request-target.js'

/** Never `$expand`, `$apply` or `$compute`: what they bring in are other resources, which would need rules of their own. */
const NONE: readonly string[] = []
const ONE = ['$select']
const PAGES = [...ONE, '$orderby', '$top', '$skip', '$count', '$skiptoken']
/** Not of calendars: a filter may look into the events that they hold, and who sees calendars may not see those. */
const LIST = [...PAGES, '$filter']
const VIEW = [...LIST, 'startDateTime', 'endDateTime']

const shape = shapesBelow('microsoft', 'v1.0/users/{mailbox}')

const EVENTS_OF = (calendar: string, prefix: string) => [
  shape(`${calendar}events.list`, 'GET', `${prefix}events`, 'read_events', LIST),
  shape(`${calendar}events.get`, 'GET', `${prefix}events/{id}`, 'read_events', ONE),
  shape(`${calendar}events.instances`, 'GET', `${prefix}events/{id}/instances`, 'read_events', VIEW),
  shape(`${calendar}calendarView.list`, 'GET', `${prefix}calendarView`, 'read_events', VIEW),
  shape(`${calendar}events.create`, 'POST', `${prefix}events`, 'create_event', NONE),
  shape(`${calendar}events.update`, 'PATCH', `${prefix}events/{id}`, 'create_event', NONE, { answers: 'read_events' }),
  shape(`${calendar}events.delete`, 'DELETE', `${prefix}events/{id}`, 'delete_event', NONE),
  shape(`${calendar}events.cancel`, 'POST', `${prefix}events/{id}/cancel`, 'delete_event', NONE),
  ...['accept', 'decline', 'tentativelyAccept'].map((answer) =>
    shape(`${calendar}events.${answer}`, 'POST', `${prefix}events/{id}/${answer}`, 'change_participation_status', NONE),
  ),
]

const CALLS = [
  shape('calendars.list', 'GET', 'calendars', 'list_calendars', PAGES),
  shape('calendars.get', 'GET', 'calendars/{id}', 'list_calendars', ONE),
  shape('calendar.get', 'GET', 'calendar', 'list_calendars', ONE),
  shape('calendars.create', 'POST', 'calendars', 'create_calendar', NONE),
  ...EVENTS_OF('', ''),
  ...EVENTS_OF('calendar.', 'calendar/'),
  // A calendar that somebody shared is found in the mailbox too: named in the list, as on its owner's screen, and opened never.
  ...EVENTS_OF('calendars.', 'calendars/{id}/'),
]

/** Names and operators, and in `$filter` also values. `$root` and `@alias`, by which OData can reach elsewhere, are neither. */
const VALUES = {
  $select: /^[\w/,. ]*$/,
  $orderby: /^[\w/,. ]*$/,
  // A doubled quote inside a literal reads as two literals side by side, which is as good and cannot backtrack.
  $filter: /^(?:[^'$@\p{Cc}]|'[^'\p{Cc}]*')*$/u,
  $top: /^\d{1,9}$/,
  $skip: /^\d{1,9}$/,
  $count: /^(?:true|false)$/i,
}

/**
 * Microsoft Graph for one mailbox. The token is the application's and opens every mailbox of the organisation: so each
 * path that goes out begins with this mailbox's id, written by us.
 * @throws ApiError not_admitted, method_not_allowed, insufficient_scope
 */
export function admitMicrosoftCall(
  method: string,
  target: RequestTarget,
  mailbox: Pick<Account, 'email' | 'providerUserId'>,
  permissions: readonly DelegatedPermission[],
): AdmittedCall {
  const [version = '', me, ...rest] = target.segments
  const segments = me === 'me' ? [version, 'users', encodeURIComponent(mailbox.email), ...rest] : target.segments
  const admitted = admitCall(
    {
      shapes: CALLS,
      // Long enough that no word of the API passes for an id.
      slots: { mailbox: ownIdOf(mailbox), id: idLike(/^[A-Za-z0-9_=-]{20,1024}$/) },
      values: VALUES,
      repeatable: [],
    },
    method,
    { ...target, segments },
    permissions,
  )
  const calendarId = CALENDAR_GONE_THROUGH.exec(admitted.pathAndQuery)?.[1]
  return calendarId ? { ...admitted, calendarId: decodeURIComponent(calendarId) } : admitted
}

/** Read from what goes out: in what came in, the same id has many spellings, and Graph would be asked about none of them. */
const CALENDAR_GONE_THROUGH = /^\/v1\.0\/users\/[^/]+\/calendars\/([^/]+)\//

const ownIdOf =
  ({ email, providerUserId }: Pick<Account, 'email' | 'providerUserId'>) =>
  (written: string): string => {
    if (sameAddress(written, email) || sameAddress(written, providerUserId)) return providerUserId
    throw notAdmitted('another mailbox', `This token is for one mailbox: write /me/… or /users/${email}/….`)
  }
