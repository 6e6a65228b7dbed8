import { type DelegatedPermission, type DelegatedScope, permissionsOf } from '#domain/providers/delegated-scopes.js'
import type { MailboxKind } from '#domain/providers/provider.port.js'
import { en as t } from './strings.en.js'

/** Every permission that the client asks for, in words, the harmless ones first. */
export function mayDo(delegatedScope: readonly DelegatedScope[]): string[] {
  const asked = new Set(permissionsOf(delegatedScope))
  return IN_ORDER.filter((permission) => asked.has(permission)).map((permission) => t.permission[permission])
}

const IN_ORDER: readonly DelegatedPermission[] = [
  'list_calendars',
  'read_free_busy',
  'read_events',
  'change_participation_status',
  'create_event',
  'delete_event',
  'create_calendar',
]

/** What somebody might fear and need not: the other half of an informed decision. */
export function mayNotDo(delegatedScope: readonly DelegatedScope[], kinds: readonly MailboxKind[]): string[] {
  const asked = new Set(permissionsOf(delegatedScope))
  const writes = asked.has('create_event') || asked.has('delete_event')
  return [
    ...(asked.has('read_events') ? [] : [t.mayNot.readEvents]),
    ...(writes ? [] : [t.mayNot.changeEvents]),
    ...(asked.has('create_event') && !asked.has('delete_event') ? [t.mayNot.deleteEvents] : []),
    ...(kinds.includes('person') ? [] : [t.mayNot.people]),
    ...(kinds.includes('room') ? [] : [t.mayNot.rooms]),
    t.mayNot.otherData,
    t.mayNot.accounts,
  ]
}

export function whoseCalendars(kinds: readonly MailboxKind[]): string {
  if (kinds.includes('person') && kinds.includes('room')) return t.whose.peopleAndRooms
  return kinds.includes('room') ? t.whose.rooms : t.whose.people
}
