import { type ServiceAccountScope, serviceAccountScope } from '#domain/credentials/service-account-scopes.js'
import { type Refusal, refusalOf } from '#domain/grants/check-authorization-query.js'
import { type DelegatedScope, isDelegatedScope } from '#domain/providers/delegated-scopes.js'
import { AuthorizationQuery } from '#platform/oauth-protocol/authorization-query.js'

/** What a client asks an administrator for. */
export interface AuthorizationRequest {
  redirectUri: string
  scope: ServiceAccountScope[]
  delegatedScope: DelegatedScope[]
  encodedState: string | null
  /** Of PKCE, S256; null where the client sent none. */
  codeChallenge: string | null
}

/** `state` is not among them: it is never read, only kept. */
const READ = [
  'response_type',
  'client_id',
  'redirect_uri',
  'scope',
  'delegated_scope',
  'code_challenge',
  'code_challenge_method',
] as const
type Parameter = (typeof READ)[number]

export type AdministratorQuery = AuthorizationQuery<Parameter>

export const administratorQuery = (url: string): AdministratorQuery => new AuthorizationQuery(url, READ)

/** The rest of the request, once client and redirect URI are known to be good. */
export function readAuthorizationRequest(
  query: AdministratorQuery,
  redirectUri: string,
): AuthorizationRequest | Refusal {
  const problem = refusalOf(query)
  if (problem) return problem

  const scope = namesIn(query.one('scope')).map((name) => serviceAccountScope(name) ?? unknown('scope', name))
  const delegatedScope = namesIn(query.one('delegated_scope')).map((name) =>
    isDelegatedScope(name) ? name : unknown('delegated_scope', name),
  )
  const refusal = [...scope, ...delegatedScope].find((item) => typeof item === 'object')
  if (refusal) return refusal
  if (scope.length === 0) return scopeRefusal('scope must name at least one service_account scope.')
  if (delegatedScope.length === 0) return scopeRefusal('delegated_scope must name at least one scope.')
  return {
    redirectUri,
    scope: unique(scope as ServiceAccountScope[]),
    delegatedScope: unique(delegatedScope as DelegatedScope[]),
    encodedState: query.encodedState(),
    codeChallenge: query.one('code_challenge'),
  }
}

const unique = <T>(items: T[]) => [...new Set(items)]
const namesIn = (text: string | null) => (text ?? '').split(' ').filter(Boolean)
const scopeRefusal = (description: string): Refusal => ({ error: 'invalid_scope', description })
const unknown = (parameter: Parameter, name: string) =>
  scopeRefusal(`${parameter} holds a name that is not known here: ${name.slice(0, 60).replace(/[^\w./-]/g, '?')}`)
