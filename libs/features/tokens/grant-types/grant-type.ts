import type { AuthenticatedClient } from '#domain/clients/authenticate-client.js'
import type { IssuedTokens } from '#domain/grants/tokens.js'
import type { HandedOver } from '../hand-over-token.js'

/** The parameters of a token request, each given at most once. */
export interface TokenRequest {
  grant_type: string
  code?: string
  redirect_uri?: string
  callback_url?: string
  code_verifier?: string
  refresh_token?: string
  scope?: string
  subject_token?: string
  subject_token_type?: string
  requested_token_type?: string
  actor_token?: string
  actor_token_type?: string
  audience?: string
  resource?: string
}

/** One way to get tokens. Adding one touches its own file and the list in the module. */
export interface GrantType {
  readonly name: string
  /**
   * @param client who asks. What is presented may be looked for while that is being found out; nothing is done before it is.
   * @throws OAuthError; whatever `client` throws
   */
  run(request: TokenRequest, client: Promise<AuthenticatedClient>): Promise<IssuedTokens | HandedOver>
}
