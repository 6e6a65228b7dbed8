import { type AnswerOptions, answer } from '#platform/cli/answer.js'
import { forgetSecrets, loadSettings } from '#platform/config/settings.js'
import { openEmbeddedPostgres } from '#platform/database/embedded-postgres.js'
import { migrate } from '#platform/database/migrate.js'
import { Log } from '#platform/observability/log.js'
import { openQueueBackend } from '#platform/queues/queue-backend.js'

/** The tables of ours, and BullMQ's where the queues are in PostgreSQL. */
export async function migrateStores(options: AnswerOptions) {
  const { stores } = loadSettings('standalone')
  forgetSecrets()
  const database = stores.databaseUrl
    ? { url: stores.databaseUrl, stop: async () => {} }
    : await openEmbeddedPostgres({ dataDirectory: stores.dataDirectory, log: () => {} })
  try {
    const direct = stores.directDatabaseUrl ?? database.url
    await migrate(direct)
    if (!stores.redis) await (await openQueueBackend(stores, direct, new Log('silent'))).close()
  } finally {
    await database.stop()
  }
  answer(options, { migrated: true }, () => ['The schema is that of this release.'])
}
