import { Injectable } from '@nestjs/common'
import type { AuthenticatedClient } from '#domain/clients/authenticate-client.js'
import { isCodeVerifier } from '#domain/grants/proof-key.js'
import { RedeemCode } from '#domain/grants/redeem-code.js'
import type { IssuedTokens } from '#domain/grants/tokens.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import type { GrantType, TokenRequest } from './grant-type.js'

/** A code from a browser, or from a callback: there `redirect_uri` holds the callback URL, which may also be called so. */
@Injectable()
export class AuthorizationCode implements GrantType {
  readonly name = 'authorization_code'

  constructor(private readonly codes: RedeemCode) {}

  async run(
    { code, redirect_uri, callback_url, code_verifier }: TokenRequest,
    client: Promise<AuthenticatedClient>,
  ): Promise<IssuedTokens> {
    if (!code) throw new OAuthError('invalid_request', 'code: required.')
    if (redirect_uri !== undefined && callback_url !== undefined && redirect_uri !== callback_url)
      throw new OAuthError('invalid_request', 'redirect_uri and callback_url differ: send one of them.')
    const redirectUri = redirect_uri ?? callback_url
    if (!redirectUri)
      throw new OAuthError('invalid_request', 'redirect_uri: required; for a callback, its callback_url.')
    if (code_verifier !== undefined && !isCodeVerifier(code_verifier))
      throw new OAuthError('invalid_request', 'code_verifier: must be 43 to 128 letters, digits and - . _ ~')
    return this.codes.redeem({ code, client, redirectUri, codeVerifier: code_verifier })
  }
}
