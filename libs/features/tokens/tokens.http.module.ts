import { Module } from '@nestjs/common'
import { ClientsModule } from '#domain/clients/clients.module.js'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { GrantsModule } from '#domain/grants/grants.module.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { Caller } from './caller.js'
import { AuthorizationCode } from './grant-types/authorization-code.js'
import { RefreshTokenGrant } from './grant-types/refresh-token.js'
import { TokenExchange } from './grant-types/token-exchange.js'
import { HandOverToken } from './hand-over-token.js'
import { IdentityController } from './http/identity.controller.js'
import { ServerMetadataController } from './http/server-metadata.controller.js'
import { TokenController } from './http/token.controller.js'
import { IntrospectToken } from './introspect-token.js'
import { IssueTokens } from './issue-tokens.js'
import { ListResources } from './list-resources.js'
import { RevokeAuthorization } from './revoke-authorization.js'

/** Only the HTTP process has a use for tokens, so steps and controllers come in one module. */
@Module({
  imports: [ClientsModule, CredentialsModule, GrantsModule, ProvidersModule],
  providers: [
    Caller,
    AuthorizationCode,
    RefreshTokenGrant,
    HandOverToken,
    TokenExchange,
    IssueTokens,
    RevokeAuthorization,
    IntrospectToken,
    ListResources,
  ],
  controllers: [TokenController, IdentityController, ServerMetadataController],
})
export class TokensHttpModule {}
