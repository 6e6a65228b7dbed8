import { randomBytes } from 'node:crypto'
import { type DynamicModule, Module, type Type } from '@nestjs/common'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import pg from 'pg'
import { Clients } from '#domain/clients/clients.js'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { serialiseCredential } from '#domain/providers/credential-codec.js'
import { readGoogleKeyFile } from '#domain/providers/google/google-credential.js'
import { ServiceAccountsHttpModule } from '#features/service-accounts/service-accounts.http.module.js'
import { TokensHttpModule } from '#features/tokens/tokens.http.module.js'
import { type OpenPlatform, openPlatform } from '#platform/boot/open-platform.js'
import { PlatformModule } from '#platform/boot/platform.module.js'
import { loadSettings } from '#platform/config/settings.js'
import { Database } from '#platform/database/database.js'
import { createHttpApplication } from '#platform/http/http-application.js'
import { Log } from '#platform/observability/log.js'
import { Secret } from '#platform/secrets/secret.js'
import { freePort } from '../../apps/demo/free-port.js'
import { type Sandbox, startSandbox } from '../../apps/sandbox/sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../../apps/sandbox/seed/default-seed.js'

/** Everything that the pages are part of, but the worker: they never meet it. */
@Module({})
class StageModule {
  static forRoot(platform: OpenPlatform, features: Type[]): DynamicModule {
    return { module: StageModule, imports: [PlatformModule.forRoot(platform), ...features] }
  }
}

export interface StageClient {
  id: string
  secret: string
  redirectUri: string
}

/** A Mandate with its pages, between stand-ins for both providers. */
export interface ConsentStage {
  url: string
  app: NestFastifyApplication
  sandbox: Sandbox
  operator: OperatorCredentials
  /** Every line that was logged, for what must not be in it. */
  logged: string[]
  addClient(name: string, redirectUri: string): Promise<StageClient>
  setOperatorCredentials(): Promise<void>
  /** The link that a client would put on its page. */
  link(client: StageClient, parameters?: Record<string, string>): string
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

export async function openConsentStage(
  databaseUrl: Secret<string>,
  features: Type[] = [ServiceAccountsHttpModule, TokensHttpModule],
): Promise<ConsentStage> {
  const { seed, operator } = await defaultSeed()
  const sandbox = await startSandbox({ seed })
  const port = await freePort()
  const settings = loadSettings('standalone', {
    DATABASE_URL: databaseUrl.reveal(),
    MANDATE_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
    // All visitors of a test come from one address.
    MANDATE_LIMIT_AUTHORIZATIONS: '9999',
    MANDATE_SANDBOX_GOOGLE_URL: sandbox.google.url,
    MANDATE_SANDBOX_MICROSOFT_URL: sandbox.microsoft.url,
    PORT: String(port),
  })
  const logged: string[] = []
  const log = new Log('info', (line) => logged.push(line))
  const platform = await openPlatform(settings, log)
  const app = await createHttpApplication(StageModule.forRoot(platform, features), log)
  await app.listen(port, '127.0.0.1')
  const url = `http://127.0.0.1:${port}`
  const database = new pg.Pool({ connectionString: databaseUrl.reveal(), max: 2 })
  return {
    url,
    app,
    sandbox,
    operator,
    logged,
    addClient: (name, redirectUri) => addClient(app, name, redirectUri),
    setOperatorCredentials: () => setOperatorCredentials(app, operator),
    link: (client, parameters) => linkTo(url, client, parameters),
    sql: async (text, values) => (await database.query(text, values)).rows,
    close: async () => {
      await database.end()
      await app.close()
      await platform.close()
      await sandbox.stop()
    },
  }
}

async function addClient(app: NestFastifyApplication, name: string, redirectUri: string): Promise<StageClient> {
  const clients = app.get(Clients, { strict: false })
  const wanted = { name, redirectUris: [redirectUri], callbackOrigins: [] }
  const { client, secret } = await app
    .get(Database, { strict: false })
    .inTransaction(async (tx) => clients.register(tx, wanted))
  return { id: client.id, secret: secret.reveal(), redirectUri }
}

async function setOperatorCredentials(app: NestFastifyApplication, operator: OperatorCredentials): Promise<void> {
  const credentials = app.get(ProviderCredentials, { strict: false })
  const { googleKeyFile, googleClient, microsoftApp } = operator
  await app.get(Database, { strict: false }).inTransaction(async (tx) => {
    await credentials.set(tx, {
      provider: 'google',
      clientId: null,
      credential: serialiseCredential(readGoogleKeyFile(JSON.stringify(googleKeyFile))),
      signIn: { clientId: googleClient.clientId, clientSecret: new Secret(googleClient.clientSecret) },
    })
    const clientSecret = new Secret(microsoftApp.clientSecret)
    const { clientId } = microsoftApp
    await credentials.set(tx, {
      provider: 'microsoft',
      clientId: null,
      credential: serialiseCredential({
        provider: 'microsoft',
        clientId,
        cloud: 'global',
        proof: { kind: 'secret', clientSecret },
      }),
    })
  })
}

function linkTo(url: string, client: StageClient, parameters: Record<string, string> = {}): string {
  const link = new URL('/enterprise_connect/oauth/authorize', url)
  link.search = new URLSearchParams({
    response_type: 'code',
    client_id: client.id,
    redirect_uri: client.redirectUri,
    scope: 'service_account/accounts/manage service_account/resources/manage',
    delegated_scope: 'read_events create_event',
    state: 'a b+c&d=é',
    ...parameters,
  }).toString()
  return link.href
}
