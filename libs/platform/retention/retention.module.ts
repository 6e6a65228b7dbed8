import { type DynamicModule, Module } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { RetentionSettings } from '#platform/config/settings.js'
import { RETENTION_SETTINGS } from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { RetentionTimer } from './retention.timer.js'
import type { RetentionRule } from './retention-rule.js'

/** For a worker module: lets go of what its feature has no more use for. */
@Module({})
export class RetentionModule {
  static forRules(...rules: RetentionRule[]): DynamicModule {
    const useFactory = (keep: RetentionSettings, database: Database, clock: Clock, log: Log) =>
      new RetentionTimer(rules, keep, database, clock, log)
    return {
      module: RetentionModule,
      providers: [{ provide: RetentionTimer, useFactory, inject: [RETENTION_SETTINGS, Database, Clock, Log] }],
    }
  }
}
