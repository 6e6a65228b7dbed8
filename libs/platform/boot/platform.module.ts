import { type DynamicModule, Global, Module } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import { DatabaseClock } from '#platform/clock/database-clock.js'
import {
  ADMIN_KEYS,
  CALLBACK_SETTINGS,
  HTTP_SETTINGS,
  PROVIDER_SETTINGS,
  RATE_LIMIT_SETTINGS,
  REFRESH_TOKEN_SETTINGS,
  RETENTION_SETTINGS,
} from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { DatabaseModule } from '#platform/database/database.module.js'
import { EgressClient } from '#platform/egress/egress-client.js'
import { EgressPolicy } from '#platform/egress/egress-policy.js'
import { RouteTable } from '#platform/http/openapi/route-table.js'
import { Log } from '#platform/observability/log.js'
import { QueuesModule } from '#platform/queues/queues.module.js'
import { PruneRateLimitsTimer } from '#platform/rate-limits/prune-rate-limits.timer.js'
import { RateLimits } from '#platform/rate-limits/rate-limits.js'
import { sealingProviders } from '#platform/secrets/open-sealing.js'
import { CryptoRandom, RandomSource } from '#platform/secrets/random.js'
import type { OpenPlatform } from './open-platform.js'

/** The mechanisms that every feature may ask for. */
@Global()
@Module({})
export class PlatformModule {
  static forRoot(platform: OpenPlatform): DynamicModule {
    const { settings } = platform
    const providers = [
      { provide: Clock, useFactory: ({ run }: Database) => DatabaseClock.follow(run), inject: [Database] },
      { provide: RandomSource, useClass: CryptoRandom },
      { provide: Log, useValue: platform.log },
      ...sealingProviders(platform.sealing),
      { provide: EgressPolicy, useValue: platform.egressPolicy },
      { provide: EgressClient, useFactory: () => new EgressClient(platform.egressPolicy) },
      { provide: HTTP_SETTINGS, useValue: settings.http },
      { provide: CALLBACK_SETTINGS, useValue: settings.callbacks },
      { provide: PROVIDER_SETTINGS, useValue: settings.providers },
      { provide: RATE_LIMIT_SETTINGS, useValue: settings.rateLimits },
      { provide: RateLimits, useClass: RateLimits },
      { provide: PruneRateLimitsTimer, useClass: PruneRateLimitsTimer },
      { provide: REFRESH_TOKEN_SETTINGS, useValue: settings.refreshTokens },
      { provide: RETENTION_SETTINGS, useValue: settings.retention },
      { provide: RouteTable, useClass: RouteTable },
      { provide: ADMIN_KEYS, useValue: settings.adminKeys },
    ]
    return {
      module: PlatformModule,
      imports: [
        DatabaseModule.forRoot(platform.databaseUrl, settings.stores.directDatabaseUrl !== null),
        QueuesModule.forRoot(platform.queueBackend, settings.worker),
      ],
      providers,
      exports: providers.map(({ provide }) => provide),
    }
  }
}
