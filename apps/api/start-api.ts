import { runApplication } from '#platform/boot/run-application.js'
import type { Settings } from '#platform/config/settings.js'
import type { Log } from '#platform/observability/log.js'
import { ApiModule } from './api.module.js'

export const startApi = (settings: Settings, log: Log) =>
  runApplication(settings, log, { name: 'api', module: ApiModule.forRoot, port: settings.http.port })
