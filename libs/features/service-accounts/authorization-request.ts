import type { Client } from '#domain/clients/client.entity.js'
import { type ServiceAccountScope, serviceAccountScope } from '#domain/credentials/service-account-scopes.js'
import { isCodeChallenge } from '#domain/grants/proof-key.js'
import { type DelegatedScope, isDelegatedScope } from '#domain/providers/delegated-scopes.js'
import type { OAuthErrorCode } from '#platform/errors/oauth-error.js'

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

/**
 * The query of an authorization request, read by ourselves: a framework's parser joins repeated parameters, makes
 * objects of `a[b]`, and has decoded `state` before we could keep it as it came.
 */
export class AuthorizationQuery {
  readonly #encoded = new Map<string, string[]>()

  /** @param query what follows the `?`, undecoded */
  constructor(query: string) {
    for (const pair of query.split('&').filter(Boolean)) {
      const [encodedName = '', ...value] = pair.split('=')
      const name = decoded(encodedName) ?? encodedName
      this.#encoded.set(name, [...(this.#encoded.get(name) ?? []), value.join('=')])
    }
  }

  /** The value of a parameter that came once and can be read; RFC 6749 section 3.1: one without a value was not sent. */
  one(name: Parameter): string | null {
    const encoded = this.#onlyOne(name)
    return (encoded && decoded(encoded)) || null
  }

  /** RFC 6749 section 3.1: no parameter may come twice. `scope[]` and `scope[0]` are other ways to write it twice. */
  repeated(): boolean {
    const names = [...this.#encoded.keys()]
    const bracketed = names.some((name) => [...READ, 'state'].some((known) => name.startsWith(`${known}[`)))
    return bracketed || [...this.#encoded.values()].some((values) => values.length > 1)
  }

  unreadable(): Parameter | null {
    return READ.find((name) => this.#encoded.get(name)?.some((value) => decoded(value) === null)) ?? null
  }

  /** The bytes of `state` in a form that may stand in a Location header, whatever encoding the client chose for them. */
  encodedState(): string | null {
    return this.#onlyOne('state')?.replace(NOT_FOR_A_HEADER, percentEncoded) || null
  }

  #onlyOne(name: string): string | undefined {
    const values = this.#encoded.get(name)
    return values?.length === 1 ? values[0] : undefined
  }
}

const NOT_FOR_A_HEADER = /[^\w\-.~!$'()*+,;:@/?=%]/g

/** Node hands over the request line as latin1, so each character is one byte of what was sent. */
const percentEncoded = (character: string) => `%${Buffer.from(character, 'latin1').toString('hex').toUpperCase()}`

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return null
  }
}

export interface Refusal {
  error: OAuthErrorCode
  /** Keeps to the characters of RFC 6749 section 4.1.2.1. */
  description: string
}

/** Only after this check may anything be sent to `redirect_uri`: byte for byte one of the registered (RFC 9700 section 2.1). */
export function registeredRedirectUri(query: AuthorizationQuery, client: Client): string | null {
  const redirectUri = query.one('redirect_uri')
  return redirectUri !== null && client.redirectUris.includes(redirectUri) ? redirectUri : null
}

/** The rest of the request, once client and redirect URI are known to be good. */
export function readAuthorizationRequest(
  query: AuthorizationQuery,
  redirectUri: string,
): AuthorizationRequest | Refusal {
  if (query.repeated()) return invalid('A parameter came more than once.')
  const unreadable = query.unreadable()
  if (unreadable) return invalid(`${unreadable} is not valid percent-encoded UTF-8.`)
  const responseType = query.one('response_type')
  if (responseType === null) return invalid('response_type is missing; send code.')
  if (responseType !== 'code') return { error: 'unsupported_response_type', description: 'response_type must be code.' }
  const proofKey = proofKeyRefusal(query)
  if (proofKey) return proofKey

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

/**
 * RFC 7636 with S256 alone. A challenge without a method would be `plain`, which whoever reads the request could answer
 * (RFC 9700 section 2.1.1); clients authenticate with a secret, so one that sends no challenge is served too.
 */
function proofKeyRefusal(query: AuthorizationQuery): Refusal | null {
  const [challenge, method] = [query.one('code_challenge'), query.one('code_challenge_method')]
  if (challenge === null) return method === null ? null : invalid('code_challenge_method came without code_challenge.')
  if (method !== 'S256') return invalid('code_challenge_method must be S256; plain is not accepted.')
  if (!isCodeChallenge(challenge))
    return invalid('code_challenge must be 43 characters of base64url, as S256 makes it.')
  return null
}

const unique = <T>(items: T[]) => [...new Set(items)]
const namesIn = (text: string | null) => (text ?? '').split(' ').filter(Boolean)
const invalid = (description: string): Refusal => ({ error: 'invalid_request', description })
const scopeRefusal = (description: string): Refusal => ({ error: 'invalid_scope', description })
const unknown = (parameter: Parameter, name: string) =>
  scopeRefusal(`${parameter} holds a name that is not known here: ${name.slice(0, 60).replace(/[^\w./-]/g, '?')}`)
