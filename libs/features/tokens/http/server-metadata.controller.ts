import { Controller, Get, Inject } from '@nestjs/common'
import { SERVICE_ACCOUNT_SCOPES } from '#domain/credentials/service-account-scopes.js'
import { DELEGATED_SCOPES } from '#domain/providers/delegated-scopes.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { IssueTokens } from '../issue-tokens.js'
import { AUTHENTICATION_METHODS } from '../presented-credentials.js'
import { metadataAnswer } from './token-answers.js'

/** Where everything is and what of OAuth works here (RFC 8414). The issuer is configured, never taken from a header. */
@Controller('.well-known')
export class ServerMetadataController {
  constructor(
    private readonly tokens: IssueTokens,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  @Get('oauth-authorization-server')
  @Described({ summary: 'What of OAuth works here, and where', access: 'public', answers: { 200: metadataAnswer } })
  metadata() {
    const issuer = this.http.publicUrl.origin
    return {
      issuer,
      authorization_endpoint: `${issuer}/oauth/authorize`,
      token_endpoint: `${issuer}/oauth/token`,
      revocation_endpoint: `${issuer}/oauth/revoke`,
      introspection_endpoint: `${issuer}/oauth/introspect`,
      scopes_supported: [...SERVICE_ACCOUNT_SCOPES, ...DELEGATED_SCOPES],
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      grant_types_supported: this.tokens.grantTypes,
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: AUTHENTICATION_METHODS,
      revocation_endpoint_auth_methods_supported: AUTHENTICATION_METHODS,
      introspection_endpoint_auth_methods_supported: AUTHENTICATION_METHODS,
      authorization_response_iss_parameter_supported: true,
    }
  }
}
