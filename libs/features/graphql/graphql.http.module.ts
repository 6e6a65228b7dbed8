import { Module } from '@nestjs/common'
import { ApiKeysModule } from '#domain/clients/api-keys.module.js'
import { EndUserOAuthModule } from '#features/end-user-oauth/end-user-oauth.module.js'
import { AuthorizationsResolver } from './authorizations.resolver.js'
import { GraphqlController } from './http/graphql.controller.js'
import { ROOT_FIELDS, RunRequest } from './run-request.js'

/** The GraphQL face: the same steps as those of `end-user-oauth`, in the words of its dialect. */
@Module({
  imports: [ApiKeysModule, EndUserOAuthModule],
  controllers: [GraphqlController],
  providers: [
    AuthorizationsResolver,
    {
      provide: ROOT_FIELDS,
      useFactory: ({ fields }: AuthorizationsResolver) => fields,
      inject: [AuthorizationsResolver],
    },
    RunRequest,
  ],
})
export class GraphqlHttpModule {}
