import type { Settings } from '#platform/config/settings.js'
import { openEmbeddedPostgres } from '#platform/database/embedded-postgres.js'
import { migrate } from '#platform/database/migrate.js'
import { EgressPolicy } from '#platform/egress/egress-policy.js'
import { Log } from '#platform/observability/log.js'
import { openTracing } from '#platform/observability/open-tracing.js'
import { openQueueBackend, type QueueBackend } from '#platform/queues/queue-backend.js'
import { openSealing, type Sealing } from '#platform/secrets/open-sealing.js'
import type { Secret } from '#platform/secrets/secret.js'

/** What has to stand before the application does, and falls after it. */
export interface OpenPlatform {
  settings: Settings
  log: Log
  databaseUrl: Secret<string>
  queueBackend: QueueBackend
  sealing: Sealing
  egressPolicy: EgressPolicy
  close(): Promise<void>
}

/** Opens the stores, brings the schema up to date and tries the keys; whatever is missing is said here, before anything listens. */
export async function openPlatform(settings: Settings, log: Log): Promise<OpenPlatform> {
  const { egressAllow: allow, unsafeAllowHttp } = settings.callbacks
  const egressPolicy = new EgressPolicy({ allow, unsafeAllowHttp })
  const opened = new AsyncDisposableStack()
  try {
    opened.defer(await openTracing(settings.tracing))
    const database = await openDatabase(settings, log)
    opened.defer(database.stop)
    const direct = settings.stores.directDatabaseUrl ?? database.url
    await naming(settings.stores.directDatabaseUrl ? 'DATABASE_DIRECT_URL' : 'DATABASE_URL', migrate(direct))
    const sealing = await openSealing(settings.sealing, database.url)
    opened.defer(sealing.close)
    const queueBackend = await naming('REDIS_URL', openQueueBackend(settings.stores, direct, log))
    opened.defer(() => queueBackend.close())
    const close = () => opened.disposeAsync()
    return { settings, log, databaseUrl: database.url, queueBackend, sealing, egressPolicy, close }
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

async function openDatabase({ stores }: Settings, log: Log) {
  if (stores.databaseUrl) return { url: stores.databaseUrl, stop: async () => {} }
  const { dataDirectory } = stores
  return openEmbeddedPostgres({ dataDirectory, log: (line) => log.info('embedded_postgres', { message: line }) })
}

/** A connection error says an address at best; the operator wants to know which setting it came from. */
async function naming<T>(variable: string, opening: Promise<T>): Promise<T> {
  try {
    return await opening
  } catch (error) {
    throw new Error(`what ${variable} names cannot be used: ${(error as Error).message}`, { cause: error })
  }
}
