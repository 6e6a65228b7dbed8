import { Refused } from '../core/answer.js'
import type { GoogleWorld } from './google-world.js'
import type { User } from './organisation.js'
import { isKnownScope, parseScopes } from './scopes.js'
import type { OAuthClientSeed } from './seed.js'
import { errorPage } from './sign-in-pages.js'
import type { TextFields } from './text-fields.js'

/** What the browser was sent to Google with, once it is known to be in order. */
export interface AuthorizationRequest {
  client: OAuthClientSeed
  redirectUri: string
  scopes: ReadonlySet<string>
  state: string | null
  nonce: string | null
  codeChallenge: string | null
  /** `access_type=offline`. */
  offline: boolean
  /** `include_granted_scopes=true`: tokens hold what was granted before, too. */
  includeGranted: boolean
  /** `prompt=consent`. */
  askAgain: boolean
  loginHint: string | null
}

/** Google shows every mistake of a client on its own page: nothing is sent to an address that has not been checked, or ever. */
const refuseOnPage = (status: number, error: string, explanation: string) =>
  new Refused({ status, html: errorPage(`Error ${status}: ${error}`, explanation) })

export function readAuthorizationRequest(world: GoogleWorld, query: TextFields): AuthorizationRequest {
  const client = world.oauthClients.get(query.client_id ?? '')
  if (!client) throw refuseOnPage(401, 'invalid_client', 'The OAuth client was not found.')
  const redirectUri = query.redirect_uri ?? ''
  if (!client.redirectUris.some((registered) => registeredAs(registered, redirectUri))) {
    throw refuseOnPage(
      400,
      'redirect_uri_mismatch',
      `The redirect URI in the request, ${redirectUri}, is not registered for this client.`,
    )
  }
  if (query.response_type !== 'code')
    throw refuseOnPage(400, 'unsupported_response_type', 'This sandbox only has response_type=code.')
  const scopes = parseScopes(query.scope ?? '')
  if (scopes.size === 0) throw refuseOnPage(400, 'invalid_request', 'Missing required parameter: scope')
  const unknown = [...scopes].filter((scope) => !isKnownScope(scope))
  if (unknown.length > 0)
    throw refuseOnPage(400, 'invalid_scope', `Some requested scopes were invalid: ${unknown.join(', ')}`)
  if (query.code_challenge !== undefined && query.code_challenge_method !== 'S256') {
    throw refuseOnPage(400, 'invalid_request', 'This sandbox only has code_challenge_method=S256.')
  }
  return {
    client,
    redirectUri,
    scopes,
    state: query.state ?? null,
    nonce: query.nonce ?? null,
    codeChallenge: query.code_challenge ?? null,
    offline: query.access_type === 'offline',
    includeGranted: query.include_granted_scopes === 'true',
    askAgain: query.prompt?.split(' ').includes('consent') ?? false,
    loginHint: query.login_hint ?? null,
  }
}

/** Refusals that depend on who signs in. */
export function refuseOutsiders({ client }: AuthorizationRequest, user: User): void {
  if (client.internalTo !== null && user.organisation?.customerId !== client.internalTo) {
    throw refuseOnPage(403, 'org_internal', `${client.name} is restricted to users within its organization.`)
  }
  if (user.organisation?.blockedClientIds.has(client.clientId)) {
    throw refuseOnPage(
      400,
      'admin_policy_enforced',
      `${client.name} is blocked by the administrator of ${user.organisation.primaryDomain}.`,
    )
  }
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

function registeredAs(registered: string, given: string): boolean {
  if (registered !== 'loopback') return registered === given
  return URL.canParse(given) && new URL(given).protocol === 'http:' && LOOPBACK.has(new URL(given).hostname)
}

/** RFC 6749 section 4.1.2 and RFC 9207. */
export function returnAddress(
  { redirectUri, state }: AuthorizationRequest,
  parameters: Record<string, string>,
): string {
  const address = new URL(redirectUri)
  if (state !== null) address.searchParams.set('state', state)
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value)
  address.searchParams.set('iss', 'https://accounts.google.com')
  return address.href
}
