import { runApplication } from '#platform/boot/run-application.js'
import type { Settings } from '#platform/config/settings.js'
import type { Log } from '#platform/observability/log.js'
import { StandaloneModule } from './standalone.module.js'

/** API, pages and worker in one process, over an embedded PostgreSQL unless told otherwise. */
export const startStandalone = (settings: Settings, log: Log) =>
  runApplication(settings, log, { name: 'standalone', module: StandaloneModule.forRoot, port: settings.http.port })
