import { isStorable } from '#platform/database/is-storable.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { type BasicCredentials, readBasic } from '#platform/http/basic-credentials.js'

/** What a request to an OAuth endpoint says about who sends it. */
export interface PresentedCredentials {
  clientId?: string
  clientSecret?: string
  clientAssertion?: string
  /** The Authorization header. */
  authorization?: string
}

/** By their names in RFC 7591; the metadata lists them. */
export const AUTHENTICATION_METHODS = ['client_secret_basic', 'client_secret_post'] as const

export const authenticationFailed = (detail: string) =>
  new OAuthError('invalid_client', 'Client authentication failed.', { detail })

/**
 * Id and secret, by one of our two methods and never by two at once (RFC 6749 section 2.3).
 * @throws OAuthError invalid_request, invalid_client
 */
export function readCredentials(presented: PresentedCredentials): { id: string; secret: string } {
  const { clientId, clientSecret, clientAssertion } = presented
  // SDKs send `Bearer undefined` and the like beside a body; of all schemes only Basic is client authentication.
  const basic = readBasic(presented.authorization)
  if ([basic, clientSecret, clientAssertion].filter((method) => method != null).length > 1)
    throw new OAuthError('invalid_request', 'Use one way of client authentication, not two.')
  if (clientAssertion !== undefined) throw authenticationFailed('client_assertion is no method of ours')
  if (basic) return fromBasic(basic, clientId)
  if (!clientId || !clientSecret) throw authenticationFailed('client_id or client_secret is missing')
  return { id: clientId, secret: clientSecret }
}

function fromBasic({ id, secret }: BasicCredentials, clientId: string | undefined) {
  if (!id || !secret || !isStorable(id)) throw authenticationFailed('the Basic header cannot be read')
  if (clientId !== undefined && clientId !== id)
    throw new OAuthError('invalid_request', 'client_id differs from the one in the Authorization header.')
  return { id, secret }
}
