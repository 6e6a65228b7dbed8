import { Module } from '@nestjs/common'
import { ClientsModule } from '#domain/clients/clients.module.js'
import { UserTokensModule } from '#domain/clients/user-tokens.module.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { PagesModule } from '#platform/pages/pages.module.js'
import { EndUserOAuthModule } from './end-user-oauth.module.js'
import { AnswerReturn } from './http/answer-return.js'
import { ConnectPagesController } from './http/connect-pages.controller.js'
import { MorgenController } from './http/morgen.controller.js'
import { PersonPages } from './http/person-pages.js'
import { PersonReturnController } from './http/person-return.controller.js'
import { SignInCookies } from './http/sign-in-cookies.js'
import { WorkApiController } from './http/work-api.controller.js'

@Module({
  imports: [EndUserOAuthModule, UserTokensModule, ClientsModule, ProvidersModule, PagesModule],
  controllers: [MorgenController, WorkApiController, ConnectPagesController, PersonReturnController],
  providers: [AnswerReturn, PersonPages, SignInCookies],
})
export class EndUserOAuthHttpModule {}
