import { type DelegatedPermission, type DelegatedScope, permissionsOf } from '#domain/providers/delegated-scopes.js'
import { en as t } from './strings.en.js'

const IN_ORDER = Object.keys(t.permission) as DelegatedPermission[]

/** Every permission that the client asks for, in words, the harmless ones first. */
export function mayDo(scope: readonly DelegatedScope[]): string[] {
  const asked = new Set(permissionsOf(scope))
  return IN_ORDER.filter((permission) => asked.has(permission)).map((permission) => t.permission[permission])
}

/** What somebody might fear and need not. */
export function mayNotDo(scope: readonly DelegatedScope[]): string[] {
  const asked = new Set(permissionsOf(scope))
  const writes = asked.has('create_event') || asked.has('delete_event')
  return [
    ...(asked.has('read_events') ? [] : [t.mayNot.readEvents]),
    ...(writes ? [] : [t.mayNot.changeEvents]),
    ...(asked.has('create_event') && !asked.has('delete_event') ? [t.mayNot.deleteEvents] : []),
    t.mayNot.otherData,
    t.mayNot.password,
  ]
}
