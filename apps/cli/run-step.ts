import { userInfo } from 'node:os'
import { type DynamicModule, Global, Module, type Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Clock, SystemClock } from '#platform/clock/clock.js'
import { ConfigurationError, forgetSecrets, loadSettings, type Settings } from '#platform/config/settings.js'
import { PROVIDER_SETTINGS } from '#platform/config/tokens.js'
import { DatabaseModule } from '#platform/database/database.module.js'
import { openEmbeddedPostgres } from '#platform/database/embedded-postgres.js'
import { migrate } from '#platform/database/migrate.js'
import { EgressPolicy } from '#platform/egress/egress-policy.js'
import { armFailPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import { withOrigin } from '#platform/observability/origin.js'
import { hasMasterKeys } from '#platform/secrets/load-master-keys.js'
import { openSealing, type Sealing, sealingProviders } from '#platform/secrets/open-sealing.js'
import { CryptoRandom, RandomSource } from '#platform/secrets/random.js'
import type { Secret } from '#platform/secrets/secret.js'

/**
 * Opens what one step needs and no more (no queue, no HTTP, no worker), runs it, and closes everything again.
 * @param feature the module that exports the step
 */
export async function runStep<Step, Result>(
  feature: Type,
  step: Type<Step>,
  work: (step: Step) => Promise<Result>,
): Promise<Result> {
  const settings = readSettings()
  armFailPoint(settings.failPoint)
  await refuseToMakeAKey(settings)
  const database = await openDatabase(settings)
  try {
    await migrate(settings.stores.directDatabaseUrl ?? database.url)
    const sealing = await openSealing(settings.sealing, database.url)
    const app = await NestFactory.createApplicationContext(
      CliModule.forRoot(feature, settings, database.url, sealing),
      {
        logger: false,
        abortOnError: false,
      },
    )
    try {
      return await withOrigin({ actor: `cli:${userName()}`, address: null, requestId: null }, () =>
        work(app.get(step, { strict: false })),
      )
    } finally {
      await app.close()
      await sealing.close()
    }
  } finally {
    await database.stop()
  }
}

let settingsOfProcess: Settings | undefined

/** Once, however many steps an action runs: afterwards the environment names another database than the operator did. */
function readSettings(): Settings {
  settingsOfProcess ??= loadSettings('standalone')
  forgetSecrets()
  return settingsOfProcess
}

/** A key made here, beside a database that other processes share, would seal what none of them can open. */
async function refuseToMakeAKey({ stores, sealing }: Settings): Promise<void> {
  if (stores.databaseUrl && !(await hasMasterKeys(sealing)))
    throw new ConfigurationError([
      'MANDATE_ENCRYPTION_KEYS is required with DATABASE_URL: the same keys that the api and worker processes have',
    ])
}

/** A container may run as a number that nobody gave a name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.()}`
  }
}

async function openDatabase({ stores }: Settings) {
  if (stores.databaseUrl) return { url: stores.databaseUrl, stop: async () => {} }
  return openEmbeddedPostgres({ dataDirectory: stores.dataDirectory, log: () => {} })
}

@Global()
@Module({})
class CliModule {
  static forRoot(feature: Type, settings: Settings, databaseUrl: Secret<string>, sealing: Sealing): DynamicModule {
    const mechanisms = [
      { provide: Clock, useClass: SystemClock },
      { provide: RandomSource, useClass: CryptoRandom },
      ...sealingProviders(sealing),
      {
        provide: EgressPolicy,
        useValue: new EgressPolicy({
          allow: settings.callbacks.egressAllow,
          unsafeAllowHttp: settings.callbacks.unsafeAllowHttp,
        }),
      },
      { provide: PROVIDER_SETTINGS, useValue: settings.providers },
      // The answer is the report; a log on the terminal would only be in its way.
      { provide: Log, useValue: new Log('silent') },
    ]
    return {
      module: CliModule,
      imports: [DatabaseModule.forRoot(databaseUrl, settings.stores.directDatabaseUrl !== null), feature],
      providers: mechanisms,
      exports: mechanisms.map(({ provide }) => provide),
    }
  }
}
