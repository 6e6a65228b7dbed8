import { Module } from '@nestjs/common'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { PagesModule } from '#platform/pages/pages.module.js'
import { AuthorizeController } from './http/authorize.controller.js'
import { ConsentCookies } from './http/consent-cookies.js'
import { ConsentFormsController } from './http/consent-forms.controller.js'
import { ConsentPagesController } from './http/consent-pages.controller.js'
import { ConsentViews } from './http/consent-views.js'
import { PageAnswers } from './http/page-answers.js'
import { ProviderReturnController } from './http/provider-return.controller.js'
import { StreamCheck } from './http/stream-check.js'
import { ServiceAccountsModule } from './service-accounts.module.js'

@Module({
  imports: [ServiceAccountsModule, CredentialsModule, ProvidersModule, PagesModule],
  providers: [ConsentCookies, PageAnswers, ConsentViews, StreamCheck],
  controllers: [AuthorizeController, ConsentPagesController, ConsentFormsController, ProviderReturnController],
})
export class ServiceAccountsHttpModule {}
