import { Injectable } from '@nestjs/common'
import type { AuthenticatedClient } from '#domain/clients/authenticate-client.js'
import { RotateRefreshToken } from '#domain/grants/rotate-refresh-token.js'
import type { IssuedTokens } from '#domain/grants/tokens.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { narrowScope } from '../narrow-scope.js'
import type { GrantType, TokenRequest } from './grant-type.js'

@Injectable()
export class RefreshTokenGrant implements GrantType {
  readonly name = 'refresh_token'

  constructor(private readonly refreshTokens: RotateRefreshToken) {}

  async run(
    { refresh_token: refreshToken, scope }: TokenRequest,
    client: Promise<AuthenticatedClient>,
  ): Promise<IssuedTokens> {
    if (!refreshToken) throw new OAuthError('invalid_request', 'refresh_token: required.')
    return this.refreshTokens.rotate({
      refreshToken,
      client,
      narrow: (grant) => (scope ? narrowScope(scope, grant) : null),
    })
  }
}
