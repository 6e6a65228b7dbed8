import { type DynamicModule, Module } from '@nestjs/common'
import { AdministrationHttpModule } from '#features/administration/administration.http.module.js'
import { AuditHttpModule } from '#features/audit/audit.http.module.js'
import { DelegatedAccessHttpModule } from '#features/delegated-access/delegated-access.http.module.js'
import { DiagnosisHttpModule } from '#features/diagnosis/diagnosis.http.module.js'
import { EndUserOAuthHttpModule } from '#features/end-user-oauth/end-user-oauth.http.module.js'
import { EventsHttpModule } from '#features/events/events.http.module.js'
import { GraphqlHttpModule } from '#features/graphql/graphql.http.module.js'
import { ProxyHttpModule } from '#features/proxy/proxy.http.module.js'
import { ServiceAccountsHttpModule } from '#features/service-accounts/service-accounts.http.module.js'
import { TokensHttpModule } from '#features/tokens/tokens.http.module.js'
import type { OpenPlatform } from '#platform/boot/open-platform.js'
import { PlatformModule } from '#platform/boot/platform.module.js'
import { HealthController } from '#platform/http/health.controller.js'
import { OpenApiController } from '#platform/http/openapi/openapi.controller.js'

/** What the HTTP process answers. */
export const API_FEATURES = [
  ServiceAccountsHttpModule,
  DelegatedAccessHttpModule,
  TokensHttpModule,
  ProxyHttpModule,
  EndUserOAuthHttpModule,
  GraphqlHttpModule,
  AdministrationHttpModule,
  AuditHttpModule,
  DiagnosisHttpModule,
  EventsHttpModule,
]

@Module({})
export class ApiModule {
  static forRoot(platform: OpenPlatform): DynamicModule {
    return {
      module: ApiModule,
      imports: [PlatformModule.forRoot(platform), ...API_FEATURES],
      controllers: [HealthController, OpenApiController],
    }
  }
}
