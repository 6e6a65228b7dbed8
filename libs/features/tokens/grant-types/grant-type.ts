import type { IssuedTokens } from '#domain/grants/tokens.js'

/** The parameters of a token request, each given at most once. */
export interface TokenRequest {
  grant_type: string
  code?: string
  redirect_uri?: string
  callback_url?: string
  code_verifier?: string
  refresh_token?: string
  scope?: string
}

/** One way to get tokens. Adding one touches its own file and the list in the module. */
export interface GrantType {
  readonly name: string
  /** @throws OAuthError */
  run(request: TokenRequest, clientId: string): Promise<IssuedTokens>
}
