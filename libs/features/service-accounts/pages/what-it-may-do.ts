import { type DelegatedScope, permissionsOf, withheldFrom } from '#domain/providers/delegated-scopes.js'
import type { MailboxKind } from '#domain/providers/provider.port.js'
import { en as t } from './strings.en.js'

/** Every permission that the client asks for, in words, the harmless ones first. */
export const mayDo = (delegatedScope: readonly DelegatedScope[]): string[] =>
  permissionsOf(delegatedScope).map((permission) => t.permission[permission])

/** What somebody might fear and need not: the other half of an informed decision. */
export const mayNotDo = (delegatedScope: readonly DelegatedScope[], kinds: readonly MailboxKind[]): string[] => [
  ...withheldFrom(delegatedScope).map((withheld) => t.mayNot[withheld]),
  ...(kinds.includes('person') ? [] : [t.mayNot.people]),
  ...(kinds.includes('room') ? [] : [t.mayNot.rooms]),
  t.mayNot.otherData,
  t.mayNot.accounts,
]

export function whoseCalendars(kinds: readonly MailboxKind[]): string {
  if (kinds.includes('person') && kinds.includes('room')) return t.whose.peopleAndRooms
  return kinds.includes('room') ? t.whose.rooms : t.whose.people
}
