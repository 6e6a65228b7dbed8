import { randomBytes } from 'node:crypto'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { openPlatform } from '#platform/boot/open-platform.js'
import { loadSettings } from '#platform/config/settings.js'
import { createHttpApplication } from '#platform/http/http-application.js'
import { Log } from '#platform/observability/log.js'
import type { Secret } from '#platform/secrets/secret.js'
import { ApiModule } from '../../apps/api/api.module.js'

export interface ApiApp {
  app: NestFastifyApplication
  adminKey: string
  /** Every line that was logged. */
  logged: string[]
  close(): Promise<void>
}

/** The HTTP process alone, without a socket: for what `inject` can ask. */
export async function openApiApp(databaseUrl: Secret<string>, variables: NodeJS.ProcessEnv = {}): Promise<ApiApp> {
  const adminKey = randomBytes(32).toString('hex')
  const settings = loadSettings('standalone', {
    DATABASE_URL: databaseUrl.reveal(),
    MANDATE_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
    MANDATE_ADMIN_KEY: adminKey,
    ...variables,
  })
  const logged: string[] = []
  const log = new Log('info', (line) => logged.push(line))
  const platform = await openPlatform(settings, log)
  const app = await createHttpApplication(ApiModule.forRoot(platform), log, settings.http)
  await app.init()
  return {
    app,
    adminKey,
    logged,
    close: async () => {
      await app.close()
      await platform.close()
    },
  }
}
