import { type DynamicModule, Module } from '@nestjs/common'
import type { OpenPlatform } from '#platform/boot/open-platform.js'
import { PlatformModule } from '#platform/boot/platform.module.js'
import { HealthController } from '#platform/http/health.controller.js'
import { OpenApiController } from '#platform/http/openapi/openapi.controller.js'
import { API_FEATURES } from '../api/api.module.js'
import { WORKER_FEATURES } from '../worker/worker.module.js'

/** Both processes' features in one. */
@Module({})
export class StandaloneModule {
  static forRoot(platform: OpenPlatform): DynamicModule {
    return {
      module: StandaloneModule,
      imports: [PlatformModule.forRoot(platform), ...API_FEATURES, ...WORKER_FEATURES],
      controllers: [HealthController, OpenApiController],
    }
  }
}
