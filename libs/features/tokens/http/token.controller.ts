import { Controller, Header, HttpCode, Inject, Post, Req, UseInterceptors } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import type { Revoked } from '#domain/grants/revoke-service-accounts.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { LimitFailedClients } from '#platform/http/limit-failed-clients.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { Caller } from '../caller.js'
import { IntrospectToken } from '../introspect-token.js'
import { IssueTokens } from '../issue-tokens.js'
import { RevokeAuthorization, type WhatToRevoke } from '../revoke-authorization.js'
import { readParameters } from './read-parameters.js'
import {
  introspectionDto,
  revocationDto,
  toCredentials,
  toHandedOverBody,
  toIntrospectionBody,
  tokenDto,
  toTokenBody,
} from './token.dto.js'
import { introspectionAnswer, tokenAnswer } from './token-answers.js'

/** What a client asks with its own id and secret. */
@Controller('oauth')
@UseInterceptors(LimitFailedClients)
export class TokenController {
  constructor(
    private readonly tokens: IssueTokens,
    private readonly caller: Caller,
    private readonly revokeAuthorization: RevokeAuthorization,
    private readonly introspectToken: IntrospectToken,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  @Post('token')
  @HttpCode(200)
  @Header('pragma', 'no-cache')
  @Described({
    summary: 'Exchange a code, a refresh token or an access token for tokens',
    details:
      'For a code from a callback, `redirect_uri` is the `callback_url` of its request. A client that the operator has ' +
      "allowed it exchanges a mailbox's access token for the provider's own (RFC 8693).",
    access: 'client',
    body: tokenDto,
    forms: 'too',
    answers: { 200: tokenAnswer },
  })
  async token(@Req() request: FastifyRequest) {
    const asked = readParameters(tokenDto, request)
    const issued = await this.tokens.issue(asked, toCredentials(asked, request.headers.authorization))
    if ('token' in issued) return toHandedOverBody(issued)
    return toTokenBody(issued)
  }

  /** The second is where the vendor's SDKs call. The answer is empty but for a service account, and says JSON for clients that take nothing else. */
  @Post(['revoke', 'token/revoke'])
  @HttpCode(200)
  @Header('content-type', 'application/json')
  @Described({
    summary: 'Revoke an authorization, by a token or by its `sub`',
    details: 'The answer is empty; for a service account it counts what ended: `{grants, codes, tokens, requests}`.',
    access: 'client',
    body: revocationDto,
    forms: 'too',
    answers: { 200: 'empty' },
  })
  async revoke(@Req() request: FastifyRequest): Promise<Revoked | undefined> {
    const asked = readParameters(revocationDto, request)
    const client = await this.caller.authenticate(toCredentials(asked, request.headers.authorization))
    const { token, sub, refresh_token } = asked
    const revoke = async (what: WhatToRevoke) => (await this.revokeAuthorization.revoke(client.id, what)) ?? undefined
    if (token) return revoke({ token })
    if (sub) return revoke({ sub })
    // Last: the vendor's Node SDK adds the one that it holds, perhaps the service account's, to whatever it is asked.
    if (refresh_token) return revoke({ token: refresh_token })
    throw new OAuthError('invalid_request', 'token or sub: required.')
  }

  @Post('introspect')
  @HttpCode(200)
  @Described({
    summary: 'Ask what a token is good for',
    access: 'client',
    body: introspectionDto,
    forms: 'too',
    answers: { 200: introspectionAnswer },
  })
  async introspect(@Req() request: FastifyRequest) {
    const asked = readParameters(introspectionDto, request)
    const client = this.caller.authenticate(toCredentials(asked, request.headers.authorization))
    const facts = await this.introspectToken.introspect(client, asked.token)
    return toIntrospectionBody(facts, this.http.publicUrl.origin)
  }
}
