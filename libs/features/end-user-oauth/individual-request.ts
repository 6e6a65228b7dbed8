import { serviceAccountScope } from '#domain/credentials/service-account-scopes.js'
import { type Refusal, refusalOf } from '#domain/grants/check-authorization-query.js'
import { type DelegatedScope, isDelegatedScope } from '#domain/providers/delegated-scopes.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { AuthorizationQuery } from '#platform/oauth-protocol/authorization-query.js'

/** What a client asks one person for. */
export interface IndividualRequest {
  redirectUri: string
  scope: DelegatedScope[]
  encodedState: string | null
  codeChallenge: string
  /** Null: the person picks one. */
  provider: ProviderName | null
  loginHint: string | null
}

/** `state` is not among them: it is never read, only kept. */
const READ = [
  'response_type',
  'client_id',
  'redirect_uri',
  'scope',
  'provider_name',
  'login_hint',
  'code_challenge',
  'code_challenge_method',
] as const
type Parameter = (typeof READ)[number]

export type IndividualQuery = AuthorizationQuery<Parameter>

export const individualQuery = (url: string): IndividualQuery => new AuthorizationQuery(url, READ)

/** As `linking_profile` names providers and their products, and as we do. */
const PROVIDERS_BY_NAME: Record<string, ProviderName> = {
  google: 'google',
  gsuite: 'google',
  exchange: 'microsoft',
  office365: 'microsoft',
  live_connect: 'microsoft',
  outlook_com: 'microsoft',
  microsoft: 'microsoft',
}

/**
 * Whether an administrator is asked and not a person: RFC 8414 has room for one authorization endpoint, so a client that has
 * found out where it is comes here with either request.
 */
export const isForAdministrator = (query: IndividualQuery): boolean =>
  namesIn(query.one('scope')).some((name) => serviceAccountScope(name) !== null)

/** The rest of the request, once client and redirect URI are known to be good. */
export function readIndividualRequest(query: IndividualQuery, redirectUri: string): IndividualRequest | Refusal {
  const problem = refusalOf(query, { proofKey: 'required' })
  if (problem) return problem
  const names = namesIn(query.one('scope'))
  const unknown = names.find((name) => !isDelegatedScope(name))
  if (unknown !== undefined)
    return scopeRefusal(`scope holds a name that is not known here: ${unknown.slice(0, 60).replace(/[^\w./-]/g, '?')}`)
  if (names.length === 0) return scopeRefusal('scope must name at least one scope.')
  const providerName = query.one('provider_name')
  const provider = providerName === null ? null : providerNamed(providerName)
  if (provider === undefined)
    return invalid('provider_name must be google or exchange; leave it out, and the person picks one.')
  const loginHint = query.one('login_hint')
  if (loginHint !== null && !isAddress(loginHint)) return invalid('login_hint must be an e-mail address.')
  return {
    ...{ redirectUri, scope: [...new Set(names.filter(isDelegatedScope))], encodedState: query.encodedState() },
    ...{ codeChallenge: query.one('code_challenge')!, provider, loginHint },
  }
}

const providerNamed = (name: string): ProviderName | undefined =>
  Object.hasOwn(PROVIDERS_BY_NAME, name) ? PROVIDERS_BY_NAME[name] : undefined

/** Who comes back is compared with it, so it has to be something that can come back. */
const isAddress = (text: string) => text.length <= 254 && /^[^\s@\0]+@[^\s@\0]+$/.test(text)

const namesIn = (text: string | null) => (text ?? '').split(' ').filter(Boolean)
const invalid = (description: string): Refusal => ({ error: 'invalid_request', description })
const scopeRefusal = (description: string): Refusal => ({ error: 'invalid_scope', description })
