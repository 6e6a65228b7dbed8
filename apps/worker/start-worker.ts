import { runApplication } from '#platform/boot/run-application.js'
import type { Settings } from '#platform/config/settings.js'
import type { Log } from '#platform/observability/log.js'
import { WorkerModule } from './worker.module.js'

/** Listens only where an orchestrator wants to ask for its health. */
export const startWorker = (settings: Settings, log: Log) =>
  runApplication(settings, log, { name: 'worker', module: WorkerModule.forRoot, port: settings.worker.healthPort })
