import { MikroOrmModule } from '@mikro-orm/nestjs'
import { PostgreSqlDriver } from '@mikro-orm/postgresql'
import { type DynamicModule, Module } from '@nestjs/common'
import type { Secret } from '#platform/secrets/secret.js'
import { Database } from './database.js'
import { ormOptions } from './migrate.js'
import { PlannedSessions } from './planned-sessions.js'

@Module({})
export class DatabaseModule {
  /** @param isPooled whether the URL names a pooler in transaction mode */
  static forRoot(databaseUrl: Secret<string>, isPooled = false): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        MikroOrmModule.forRootAsync({
          driver: PostgreSqlDriver,
          useFactory: () => ({
            ...ormOptions(databaseUrl),
            driver: PostgreSqlDriver,
            autoLoadEntities: true,
            registerRequestContext: false,
          }),
        }),
      ],
      providers: [
        Database,
        { provide: PlannedSessions, useFactory: () => (isPooled ? null : new PlannedSessions(databaseUrl)) },
      ],
      exports: [Database],
    }
  }
}
