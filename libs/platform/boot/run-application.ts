import type { DynamicModule } from '@nestjs/common'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import type { Settings } from '#platform/config/settings.js'
import { createHttpApplication } from '#platform/http/http-application.js'
import type { Log } from '#platform/observability/log.js'
import { listenForOperator, type OperatorServer } from '#platform/observability/operator-server.js'
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
  let operator: OperatorServer | undefined
  const stop = async () => {
    await app?.close()
    await operator?.close()
    await platform.close()
  }
  try {
    app = await createHttpApplication(plan.module(platform), log, settings.http)
    if (plan.port === null) await app.init()
    else await app.listen(plan.port, settings.http.host)
    const { host, port } = settings.operator
    if (port !== null) operator = await listenForOperator({ host, port }, log)
    log.info('application.running', { name: plan.name, port: plan.port, queue: platform.queueBackend.kind })
    return { stop }
  } catch (error) {
    await stop()
    throw error
  }
}
