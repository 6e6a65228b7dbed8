import { type DynamicModule, Module } from '@nestjs/common'
import { AuditWorkerModule } from '#features/audit/audit.worker.module.js'
import { DelegatedAccessWorkerModule } from '#features/delegated-access/delegated-access.worker.module.js'
import { EndUserOAuthWorkerModule } from '#features/end-user-oauth/end-user-oauth.worker.module.js'
import { EventsWorkerModule } from '#features/events/events.worker.module.js'
import { ServiceAccountsWorkerModule } from '#features/service-accounts/service-accounts.worker.module.js'
import { UpkeepWorkerModule } from '#features/upkeep/upkeep.worker.module.js'
import type { OpenPlatform } from '#platform/boot/open-platform.js'
import { PlatformModule } from '#platform/boot/platform.module.js'
import { HealthController } from '#platform/http/health.controller.js'

/** The features without their HTTP half: this process answers nobody, it calls providers and callback URLs. */
export const WORKER_FEATURES = [
  DelegatedAccessWorkerModule,
  ServiceAccountsWorkerModule,
  AuditWorkerModule,
  EndUserOAuthWorkerModule,
  UpkeepWorkerModule,
  EventsWorkerModule,
]

@Module({})
export class WorkerModule {
  static forRoot(platform: OpenPlatform): DynamicModule {
    return {
      module: WorkerModule,
      imports: [PlatformModule.forRoot(platform), ...WORKER_FEATURES],
      controllers: [HealthController],
    }
  }
}
