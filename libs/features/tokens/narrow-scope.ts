import { serviceAccountScope } from '#domain/credentials/service-account-scopes.js'
import type { Grant } from '#domain/grants/grant.entity.js'
import { isDelegatedScope, scopesBeyond } from '#domain/providers/delegated-scopes.js'
import { OAuthError } from '#platform/errors/oauth-error.js'

/**
 * The names in the `scope` of a refresh, when all of them lie within the grant (RFC 6749 section 6). What lies within
 * what is said by permissions and not by names: `free_busy` is part of `read_only`.
 * @throws OAuthError invalid_scope
 */
export function narrowScope(asked: string, grant: Grant): string[] {
  const names = [...new Set(asked.split(' ').filter(Boolean))]
  const within = grant.accountId ? names.every(isWithinMailbox(grant.scope)) : names.every(isWithinAccount(grant.scope))
  if (names.length > 0 && within) return names
  throw new OAuthError('invalid_scope', `scope must lie within what was granted: ${grant.scope.join(' ')}`)
}

const isWithinMailbox = (granted: string[]) => (name: string) =>
  isDelegatedScope(name) && scopesBeyond([name], granted.filter(isDelegatedScope)).length === 0

/** `unrestricted_access` includes `manage`. */
const isWithinAccount = (granted: string[]) => (name: string) => {
  const scope = serviceAccountScope(name)
  return (
    scope !== null && (granted.includes(scope) || granted.includes(scope.replace(/manage$/, 'unrestricted_access')))
  )
}
