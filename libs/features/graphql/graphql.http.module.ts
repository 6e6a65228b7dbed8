import { Module } from '@nestjs/common'
import { ApiKeysModule } from '#domain/clients/api-keys.module.js'
import { EndUserOAuthModule } from '#features/end-user-oauth/end-user-oauth.module.js'
import { AuthorizationsResolver } from './authorizations.resolver.js'
import { GraphqlController } from './http/graphql.controller.js'
import { LoadGraphql } from './load-graphql.js'

/** The GraphQL face: the same steps as those of `end-user-oauth`, in the words of its dialect. */
@Module({
  imports: [ApiKeysModule, EndUserOAuthModule],
  controllers: [GraphqlController],
  providers: [AuthorizationsResolver, LoadGraphql],
})
export class GraphqlHttpModule {}
