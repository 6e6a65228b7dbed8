import type { MailboxKind, ProviderName } from './provider.port.js'

/**
 * What can be allowed for a mailbox, in the smallest parts, the harmless ones first. Every wire scope is a set of these, so
 * that one scope lies within another exactly when its set does.
 */
const PERMISSIONS = [
  ...(['list_calendars', 'read_free_busy', 'read_events', 'change_participation_status'] as const),
  ...(['create_event', 'delete_event', 'create_calendar'] as const),
]
export type DelegatedPermission = (typeof PERMISSIONS)[number]

const FREE_BUSY = ['list_calendars', 'read_free_busy'] as const
const READ = [...FREE_BUSY, 'read_events'] as const
const WRITE = ['list_calendars', 'create_event', 'delete_event', 'change_participation_status'] as const

/** Which scope includes which. The last three are names that older SDKs send by default. */
const INCLUDES = {
  read_only: READ,
  write_only: WRITE,
  read_write: [...READ, ...WRITE, 'create_calendar'],
  free_busy: FREE_BUSY,
  free_busy_write: [...FREE_BUSY, ...WRITE],
  create_calendar: ['list_calendars', 'create_calendar'],
  read_events: READ,
  create_event: ['list_calendars', 'create_event'],
  delete_event: ['list_calendars', 'delete_event'],
  read_free_busy: FREE_BUSY,
  change_participation_status: ['list_calendars', 'change_participation_status'],
  read_account: ['list_calendars'],
  list_calendars: ['list_calendars'],
  event_reminders: ['list_calendars', 'create_event'],
} as const satisfies Record<string, readonly DelegatedPermission[]>

export type DelegatedScope = keyof typeof INCLUDES
export const DELEGATED_SCOPES = Object.keys(INCLUDES) as DelegatedScope[]

export const isDelegatedScope = (name: string): name is DelegatedScope => Object.hasOwn(INCLUDES, name)

/** In the order of {@link PERMISSIONS}. */
export function permissionsOf(scopes: readonly DelegatedScope[]): DelegatedPermission[] {
  const asked = new Set<DelegatedPermission>(scopes.flatMap((scope) => INCLUDES[scope]))
  return PERMISSIONS.filter((permission) => asked.has(permission))
}

/** What somebody might fear for the events, and need not: the other half of an informed decision. */
export function withheldFrom(scopes: readonly DelegatedScope[]): ('readEvents' | 'changeEvents' | 'deleteEvents')[] {
  const asked = new Set(permissionsOf(scopes))
  const writes = asked.has('create_event') || asked.has('delete_event')
  return [
    ...(asked.has('read_events') ? [] : (['readEvents'] as const)),
    ...(writes ? [] : (['changeEvents'] as const)),
    ...(asked.has('create_event') && !asked.has('delete_event') ? (['deleteEvents'] as const) : []),
  ]
}

export function scopesBeyond(asked: readonly DelegatedScope[], ceiling: readonly DelegatedScope[]): DelegatedScope[] {
  const allowed = new Set(permissionsOf(ceiling))
  return asked.filter((scope) => !INCLUDES[scope].every((permission) => allowed.has(permission)))
}

export const scopesWithin = (ceiling: readonly DelegatedScope[]): DelegatedScope[] =>
  DELEGATED_SCOPES.filter((scope) => scopesBeyond([scope], ceiling).length === 0)

const GOOGLE = 'https://www.googleapis.com/auth/'
const MICROSOFT_WEAKEST_FIRST = ['Calendars.ReadBasic.All', 'Calendars.Read', 'Calendars.ReadWrite'] as const

/**
 * Provider scopes that each permission needs. Domain-wide delegation compares scope names literally (a delegated
 * `calendar` does not cover a requested `calendar.readonly`), so at Google each permission has one fixed name,
 * whatever else is asked beside it. At Microsoft the strongest one contains the weaker.
 */
const NEEDS: Record<DelegatedPermission, { google: string; microsoft: (typeof MICROSOFT_WEAKEST_FIRST)[number] }> = {
  list_calendars: { google: 'calendar.calendarlist.readonly', microsoft: 'Calendars.ReadBasic.All' },
  read_free_busy: { google: 'calendar.freebusy', microsoft: 'Calendars.ReadBasic.All' },
  read_events: { google: 'calendar.events.readonly', microsoft: 'Calendars.Read' },
  create_event: { google: 'calendar.events', microsoft: 'Calendars.ReadWrite' },
  delete_event: { google: 'calendar.events', microsoft: 'Calendars.ReadWrite' },
  change_participation_status: { google: 'calendar.events', microsoft: 'Calendars.ReadWrite' },
  create_calendar: { google: 'calendar.calendars', microsoft: 'Calendars.ReadWrite' },
}

export const googleScopesFor = (permissions: readonly DelegatedPermission[]): string[] =>
  [...new Set(permissions.map((permission) => GOOGLE + NEEDS[permission].google))].sort()

export function microsoftPermissionFor(permissions: readonly DelegatedPermission[]): string {
  const ranks = permissions.map((permission) => MICROSOFT_WEAKEST_FIRST.indexOf(NEEDS[permission].microsoft))
  return MICROSOFT_WEAKEST_FIRST[Math.max(0, ...ranks)]!
}

/** With it, a person's token says whose it is: the id that outlives every address. */
const GOOGLE_IDENTITY_SCOPE = `${GOOGLE}userinfo.email`

export const googlePersonScopesFor = (permissions: readonly DelegatedPermission[]): string[] => [
  ...googleScopesFor(permissions),
  GOOGLE_IDENTITY_SCOPE,
]

export const GOOGLE_DIRECTORY_SCOPES = {
  users: `${GOOGLE}admin.directory.user.readonly`,
  domains: `${GOOGLE}admin.directory.domain.readonly`,
  rooms: `${GOOGLE}admin.directory.resource.calendar.readonly`,
} as const

export const MICROSOFT_DIRECTORY_PERMISSIONS = {
  users: 'User.Read.All',
  organisation: 'Organization.Read.All',
  rooms: 'Place.Read.All',
} as const

/** Everything an administrator has to grant at the provider, in the provider's own names: the list that the consent page shows. */
export function providerScopesFor(
  provider: ProviderName,
  permissions: readonly DelegatedPermission[],
  kinds: readonly MailboxKind[],
): string[] {
  const rooms = kinds.includes('room')
  if (provider === 'google') {
    const directory = GOOGLE_DIRECTORY_SCOPES
    return [
      ...(kinds.includes('person') ? googlePersonScopesFor(permissions) : googleScopesFor(permissions)),
      directory.users,
      directory.domains,
      ...(rooms ? [directory.rooms] : []),
    ]
  }
  const directory = MICROSOFT_DIRECTORY_PERMISSIONS
  return [
    microsoftPermissionFor(permissions),
    directory.users,
    directory.organisation,
    ...(rooms ? [directory.rooms] : []),
  ]
}

/** What each provider scope lets us do, for an administrator who has never seen its name. */
const WORDS: Record<string, string> = {
  [`${GOOGLE}calendar.calendarlist.readonly`]: 'See which calendars a mailbox has',
  [`${GOOGLE}calendar.freebusy`]: 'See when a mailbox is free or busy',
  [`${GOOGLE}calendar.events.readonly`]: 'Read events',
  [`${GOOGLE}calendar.events`]: 'Create, change and delete events',
  [`${GOOGLE}calendar.calendars`]: 'Create calendars',
  [GOOGLE_IDENTITY_SCOPE]: 'See whose mailbox it is, and its primary address',
  [GOOGLE_DIRECTORY_SCOPES.users]: 'Look up people in the directory',
  [GOOGLE_DIRECTORY_SCOPES.domains]: 'See which domains belong to the organisation',
  [GOOGLE_DIRECTORY_SCOPES.rooms]: 'List rooms and resources',
  'Calendars.ReadBasic.All': 'See calendars and when a mailbox is free or busy',
  'Calendars.Read': 'Read calendars and events',
  'Calendars.ReadWrite': 'Read, create, change and delete events and calendars',
  [MICROSOFT_DIRECTORY_PERMISSIONS.users]: 'Look up people in the directory',
  [MICROSOFT_DIRECTORY_PERMISSIONS.organisation]: 'See which domains belong to the organisation',
  [MICROSOFT_DIRECTORY_PERMISSIONS.rooms]: 'List rooms',
}

export const wordsForProviderScope = (scope: string): string => WORDS[scope] ?? scope
