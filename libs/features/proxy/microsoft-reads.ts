import type { Account } from '#domain/grants/account.entity.js'
import type { DelegatedPermission } from '#domain/providers/delegated-scopes.js'
import { sameAddress } from '#domain/providers/mailbox-address.js'
import { type AdmittedRead, admitRead, idLike, type ReadShape } from './admit-read.js'
import { notAdmitted } from './proxy.errors.js'
import type { RequestTarget } from './request-target.js'

/** Never `$expand`, `$apply` or `$compute`: what they bring in are other resources, which would need rules of their own. */
const ONE = ['$select']
const LIST = [...ONE, '$filter', '$orderby', '$top', '$skip', '$count', '$skiptoken']
const VIEW = [...LIST, 'startDateTime', 'endDateTime']

const shape = (name: string, path: string, needs: DelegatedPermission, options: readonly string[]): ReadShape => ({
  name: `microsoft.${name}`,
  path: `v1.0/users/{mailbox}/${path}`,
  needs,
  options,
})

const EVENTS_OF = (calendar: string, prefix: string) => [
  shape(`${calendar}events.list`, `${prefix}events`, 'read_events', LIST),
  shape(`${calendar}events.get`, `${prefix}events/{id}`, 'read_events', ONE),
  shape(`${calendar}events.instances`, `${prefix}events/{id}/instances`, 'read_events', VIEW),
  shape(`${calendar}calendarView.list`, `${prefix}calendarView`, 'read_events', VIEW),
]

const READS = [
  shape('calendars.list', 'calendars', 'list_calendars', LIST),
  shape('calendars.get', 'calendars/{id}', 'list_calendars', ONE),
  shape('calendar.get', 'calendar', 'list_calendars', ONE),
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
 * @throws ApiError not_admitted, insufficient_scope
 */
export function admitMicrosoftRead(
  target: RequestTarget,
  mailbox: Pick<Account, 'email' | 'providerUserId'>,
  permissions: readonly DelegatedPermission[],
): AdmittedRead {
  const [version = '', me, ...rest] = target.segments
  const segments = me === 'me' ? [version, 'users', encodeURIComponent(mailbox.email), ...rest] : target.segments
  const admitted = admitRead(
    {
      shapes: READS,
      // Long enough that no word of the API passes for an id.
      slots: { mailbox: ownIdOf(mailbox), id: idLike(/^[A-Za-z0-9_=-]{20,1024}$/) },
      values: VALUES,
      repeatable: [],
    },
    { ...target, segments },
    permissions,
  )
  const [, , , collection, calendarId, through] = segments
  return collection === 'calendars' && through ? { ...admitted, calendarId } : admitted
}

const ownIdOf =
  ({ email, providerUserId }: Pick<Account, 'email' | 'providerUserId'>) =>
  (written: string): string => {
    if (sameAddress(written, email) || sameAddress(written, providerUserId)) return providerUserId
    throw notAdmitted('another mailbox', `This token is for one mailbox: write /me/… or /users/${email}/….`)
  }
