import { randomBytes } from 'node:crypto'
import { type DynamicModule, Module } from '@nestjs/common'
import { AdministrationHttpModule } from '#features/administration/administration.http.module.js'
import { TokensHttpModule } from '#features/tokens/tokens.http.module.js'
import { type OpenPlatform, openPlatform } from '#platform/boot/open-platform.js'
import { PlatformModule } from '#platform/boot/platform.module.js'
import { loadSettings } from '#platform/config/settings.js'
import { createHttpApplication } from '#platform/http/http-application.js'
import { Log } from '#platform/observability/log.js'
import type { Secret } from '#platform/secrets/secret.js'

/** `/admin/v1`, and the token endpoint at which the clients made there present themselves. */
@Module({})
class AdminStageModule {
  static forRoot(platform: OpenPlatform): DynamicModule {
    const imports = [PlatformModule.forRoot(platform), AdministrationHttpModule, TokensHttpModule]
    return { module: AdminStageModule, imports }
  }
}

export interface AdminStage {
  url: string
  /** Every line that was logged, for what must not be in it. */
  logged: string[]
  /** Calls `/admin/v1<path>` with this key; null sends none. */
  call(method: string, path: string, body?: unknown, key?: string | null): Promise<Response>
  close(): Promise<void>
}

export const ADMIN_KEY = randomBytes(32).toString('hex')

export const newEncryptionKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`

/** @param adminKey empty: none is configured */
export async function openAdminStage(
  databaseUrl: Secret<string>,
  adminKey = ADMIN_KEY,
  encryptionKeys = newEncryptionKey('test'),
): Promise<AdminStage> {
  const settings = loadSettings('standalone', {
    DATABASE_URL: databaseUrl.reveal(),
    MANDATE_ENCRYPTION_KEYS: encryptionKeys,
    MANDATE_ADMIN_KEY: adminKey,
  })
  const logged: string[] = []
  const log = new Log('info', (line) => logged.push(line))
  const platform = await openPlatform(settings, log)
  const app = await createHttpApplication(AdminStageModule.forRoot(platform), log)
  await app.listen(0, '127.0.0.1')
  const url = await app.getUrl()
  return {
    url,
    logged,
    call: (method, path, body, key = ADMIN_KEY) =>
      fetch(`${url}/admin/v1${path}`, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      }),
    close: async () => {
      await app.close()
      await platform.close()
    },
  }
}
