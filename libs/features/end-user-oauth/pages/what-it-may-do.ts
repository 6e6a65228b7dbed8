import { type DelegatedScope, permissionsOf, withheldFrom } from '#domain/providers/delegated-scopes.js'
import { en as t } from './strings.en.js'

/** Every permission that the client asks for, in words, the harmless ones first. */
export const mayDo = (scope: readonly DelegatedScope[]): string[] =>
  permissionsOf(scope).map((permission) => t.permission[permission])

/** What somebody might fear and need not. */
export const mayNotDo = (scope: readonly DelegatedScope[]): string[] => [
  ...withheldFrom(scope).map((withheld) => t.mayNot[withheld]),
  t.mayNot.otherData,
  t.mayNot.password,
]
