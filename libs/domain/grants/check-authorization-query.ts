import type { OAuthErrorCode } from '#platform/errors/oauth-error.js'
import type { AuthorizationQuery } from '#platform/oauth-protocol/authorization-query.js'
import { isCodeChallenge } from './proof-key.js'

export interface Refusal {
  error: OAuthErrorCode
  /** Keeps to the characters of RFC 6749 section 4.1.2.1. */
  description: string
}

type Query = AuthorizationQuery<'response_type' | 'redirect_uri' | 'code_challenge' | 'code_challenge_method'>

/** Only after this check may anything be sent to `redirect_uri`: byte for byte one of the registered (RFC 9700 section 2.1). */
export function registeredRedirectUri(query: Query, client: { redirectUris: readonly string[] }): string | null {
  const redirectUri = query.one('redirect_uri')
  return redirectUri !== null && client.redirectUris.includes(redirectUri) ? redirectUri : null
}

/** What is wrong with an authorization request, whatever it asks for; null when nothing is. */
export function refusalOf(query: Query, { proofKey }: { proofKey?: 'required' } = {}): Refusal | null {
  if (query.repeated()) return invalid('A parameter came more than once.')
  const unreadable = query.unreadable()
  if (unreadable) return invalid(`${unreadable} is not valid percent-encoded UTF-8.`)
  const responseType = query.one('response_type')
  if (responseType === null) return invalid('response_type is missing; send code.')
  if (responseType !== 'code') return { error: 'unsupported_response_type', description: 'response_type must be code.' }
  if (proofKey && query.one('code_challenge') === null)
    return invalid('code_challenge is missing; send one made by S256 (RFC 7636).')
  return proofKeyRefusal(query)
}

/**
 * RFC 7636 with S256 alone. A challenge without a method would be `plain`, which whoever reads the request could answer
 * (RFC 9700 section 2.1.1); clients authenticate with a secret, so one that sends no challenge is served too.
 */
function proofKeyRefusal(query: Query): Refusal | null {
  const [challenge, method] = [query.one('code_challenge'), query.one('code_challenge_method')]
  if (challenge === null) return method === null ? null : invalid('code_challenge_method came without code_challenge.')
  if (method !== 'S256') return invalid('code_challenge_method must be S256; plain is not accepted.')
  if (!isCodeChallenge(challenge))
    return invalid('code_challenge must be 43 characters of base64url, as S256 makes it.')
  return null
}

const invalid = (description: string): Refusal => ({ error: 'invalid_request', description })
