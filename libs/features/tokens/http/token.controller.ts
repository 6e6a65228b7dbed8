import { Body, Controller, Header, Headers, HttpCode, Post } from '@nestjs/common'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { readOAuthInput } from '#platform/http/read-input.js'
import { Caller } from '../caller.js'
import { DescribeSubject } from '../describe-subject.js'
import { IssueTokens } from '../issue-tokens.js'
import { RevokeAuthorization } from '../revoke-authorization.js'
import { revocationDto, tokenDto, toTokenBody } from './token.dto.js'

@Controller('oauth/token')
export class TokenController {
  constructor(
    private readonly tokens: IssueTokens,
    private readonly subjects: DescribeSubject,
    private readonly caller: Caller,
    private readonly revokeAuthorization: RevokeAuthorization,
  ) {}

  @Post()
  @HttpCode(200)
  @Header('pragma', 'no-cache')
  async token(@Body() body: unknown, @Headers('authorization') authorization?: string) {
    const { client_id, client_secret, ...request } = readOAuthInput(tokenDto, body)
    const issued = await this.tokens.issue(request, { clientId: client_id, clientSecret: client_secret, authorization })
    return toTokenBody(issued, await this.subjects.describe(issued.grant))
  }

  @Post('revoke')
  @HttpCode(200)
  async revoke(@Body() body: unknown, @Headers('authorization') authorization?: string): Promise<void> {
    const { client_id, client_secret, token, refresh_token, sub } = readOAuthInput(revocationDto, body)
    const client = await this.caller.authenticate({ clientId: client_id, clientSecret: client_secret, authorization })
    if (token) return this.revokeAuthorization.revoke(client.id, { token })
    if (sub) return this.revokeAuthorization.revoke(client.id, { sub })
    // Last: the vendor's Node SDK adds the one that it holds, perhaps the service account's, to whatever it is asked.
    if (refresh_token) return this.revokeAuthorization.revoke(client.id, { token: refresh_token })
    throw new OAuthError('invalid_request', 'token or sub: required.')
  }
}
