import type { DynamicModule } from '@nestjs/common'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import type { Settings } from '#platform/config/settings.js'
import { createHttpApplication } from '#platform/http/http-application.js'
import type { Log } from '#platform/observability/log.js'
import { type OpenPlatform, openPlatform } from './open-platform.js'

export interface RunningApplication {
  /** Jobs and requests in hand are finished; then the stores are closed. */
  stop(): Promise<void>
}

export interface ApplicationPlan {
  /** As it appears in the log. */
  name: string
  module: (platform: OpenPlatform) => DynamicModule
  /** Null: does not listen. */
  port: number | null
}

/** Stores, application, socket; and back in the other order. */
export async function runApplication(settings: Settings, log: Log, plan: ApplicationPlan): Promise<RunningApplication> {
  const platform = await openPlatform(settings, log)
  let app: NestFastifyApplication | undefined
  const stop = async () => {
    await app?.close()
    await platform.close()
  }
  try {
    app = await createHttpApplication(plan.module(platform), log, settings.http)
    if (plan.port === null) await app.init()
    else await app.listen(plan.port, settings.http.host)
    log.info('application.running', { name: plan.name, port: plan.port, queue: platform.queueBackend.kind })
    return { stop }
  } catch (error) {
    await stop()
    throw error
  }
}
