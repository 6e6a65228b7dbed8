import type { Account } from '#domain/grants/account.entity.js'
import type { DelegatedPermission } from '#domain/providers/delegated-scopes.js'
import { sameAddress } from '#domain/providers/mailbox-address.js'
import { type AdmittedCall, admitCall, idLike, shapesBelow } from './admit-call.js'
import { notAdmitted } from './proxy.errors.js'
import type { RequestTarget } from './request-target.js'

/** Never `key`, `access_token`, `oauth_token`, `quotaUser`, `callback`: they say who calls, and that is ours to say. */
const ALWAYS = ['alt', 'fields', 'prettyPrint']
const EVENT = [...ALWAYS, 'alwaysIncludeEmail', 'maxAttendees', 'timeZone']
const PAGE = ['maxResults', 'pageToken', 'showDeleted']
const WINDOW = ['timeMin', 'timeMax']
const SEARCH = [
  'eventTypes',
  'iCalUID',
  'orderBy',
  'privateExtendedProperty',
  'q',
  'sharedExtendedProperty',
  'showHiddenInvitations',
  'singleEvents',
  'syncToken',
  'updatedMin',
]

/** Who is told of a change, and how much of an answer is wanted. Never `supportsAttachments`: those are files, which no scope of ours covers. */
const TOLD = [...ALWAYS, 'sendUpdates', 'sendNotifications']
const SENT = [...TOLD, 'alwaysIncludeEmail', 'conferenceDataVersion', 'maxAttendees']

/** Both are answered with the whole event, and `"status": "cancelled"` in either deletes it. */
const CHANGED = { answers: 'read_events', cancels: 'delete_event' } as const

const shape = shapesBelow('google', 'calendar/v3')

/**
 * About the one calendar whose id is the mailbox's address. Answering an invitation is a change of the event at Google, and of
 * a body nothing is judged but whether it cancels: so it needs what every change needs.
 */
const OF_A_CALENDAR = [
  // Google opens it for no scope that reading alone is given; calendarList.get says the same to everybody.
  shape('calendars.get', 'GET', 'calendars/{calendar}', 'create_calendar', ALWAYS),
  shape('events.list', 'GET', 'calendars/{calendar}/events', 'read_events', [...EVENT, ...PAGE, ...WINDOW, ...SEARCH]),
  shape('events.get', 'GET', 'calendars/{calendar}/events/{event}', 'read_events', EVENT),
  shape('events.instances', 'GET', 'calendars/{calendar}/events/{event}/instances', 'read_events', [
    ...EVENT,
    ...PAGE,
    ...WINDOW,
    'originalStart',
  ]),
  shape('events.insert', 'POST', 'calendars/{calendar}/events', 'create_event', SENT),
  shape('events.update', 'PUT', 'calendars/{calendar}/events/{event}', 'create_event', SENT, CHANGED),
  shape('events.patch', 'PATCH', 'calendars/{calendar}/events/{event}', 'create_event', SENT, CHANGED),
  shape('events.delete', 'DELETE', 'calendars/{calendar}/events/{event}', 'delete_event', TOLD),
]

/** About whoever the token is for. */
const OF_A_PERSON = [
  // Names the calendars that others have shared with this person, as their own screen does; opens none of them.
  shape('calendarList.list', 'GET', 'users/me/calendarList', 'list_calendars', [
    ...ALWAYS,
    ...PAGE,
    'minAccessRole',
    'showHidden',
    'syncToken',
  ]),
  shape('calendarList.get', 'GET', 'users/me/calendarList/{calendar}', 'list_calendars', ALWAYS),
  shape('colors.get', 'GET', 'colors', 'list_calendars', ALWAYS),
  shape('calendars.insert', 'POST', 'calendars', 'create_calendar', ALWAYS),
]

type Mailbox = Pick<Account, 'email' | 'kind'>

/**
 * Google Calendar for one mailbox. A person's token opens every calendar that the person may see, and a room is read
 * with the administrator's: so a path may name the mailbox's own calendar and no other, and for a room nothing that
 * means "whoever the token is for".
 * @throws ApiError not_admitted, method_not_allowed, insufficient_scope
 */
export function admitGoogleCall(
  method: string,
  target: RequestTarget,
  mailbox: Mailbox,
  permissions: readonly DelegatedPermission[],
): AdmittedCall {
  return admitCall(
    {
      shapes: mailbox.kind === 'room' ? OF_A_CALENDAR : [...OF_A_PERSON, ...OF_A_CALENDAR],
      slots: { calendar: ownCalendarOf(mailbox), event: idLike(/^[A-Za-z0-9_-]{1,1024}$/) },
      values: { alt: /^json$/ },
      repeatable: ['eventTypes', 'privateExtendedProperty', 'sharedExtendedProperty'],
    },
    method,
    target,
    permissions,
  )
}

const ownCalendarOf =
  ({ email, kind }: Mailbox) =>
  (written: string): string => {
    // Whose token it is, is known by the user id. The address may be another's by now, who shares with this person.
    if (kind === 'person' && (written === 'primary' || sameAddress(written, email))) return 'primary'
    if (sameAddress(written, email)) return email
    const own = kind === 'person' ? `"primary" or "${email}"` : `"${email}"`
    throw notAdmitted('another calendar', `This token is for one calendar: the calendarId must be ${own}.`)
  }
