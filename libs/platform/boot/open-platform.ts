import type { Settings } from '#platform/config/settings.js'
import { openEmbeddedPostgres } from '#platform/database/embedded-postgres.js'
import { migrate } from '#platform/database/migrate.js'
import { EgressPolicy } from '#platform/egress/egress-policy.js'
import { Log } from '#platform/observability/log.js'
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
  const database = await openDatabase(settings, log)
  try {
    await naming('DATABASE_URL', migrate(database.url))
    const sealing = await openSealing(settings.sealing, database.url)
    const queueBackend = await naming('REDIS_URL', openQueueBackend(settings.stores, database.url, log))
    const close = async () => {
      await queueBackend.close()
      await sealing.close()
      await database.stop()
    }
    return { settings, log, databaseUrl: database.url, queueBackend, sealing, egressPolicy, close }
  } catch (error) {
    await database.stop()
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
