import { randomBytes, randomUUID } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { type DynamicModule, Module } from '@nestjs/common'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { Client } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { ClientsModule } from '#domain/clients/clients.module.js'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { UserCredentials } from '#domain/credentials/user-credentials.js'
import { Account } from '#domain/grants/account.entity.js'
import { Grant } from '#domain/grants/grant.entity.js'
import { RevokeServiceAccounts } from '#domain/grants/revoke-service-accounts.js'
import { grantMailbox } from '#domain/grants/testing/statements-of-the-main-path.js'
import { serialiseCredential } from '#domain/providers/credential-codec.js'
import { type DelegatedScope, permissionsOf, providerScopesFor } from '#domain/providers/delegated-scopes.js'
import { readGoogleKeyFile } from '#domain/providers/google/google-credential.js'
import { organisationOf } from '#domain/providers/organisation.js'
import { Providers } from '#domain/providers/providers.js'
import { signInRegistrationOf } from '#domain/providers/sign-in-registration.js'
import { userScopesForPermissions } from '#domain/providers/user-scopes.js'
import { ProxyHttpModule } from '#features/proxy/proxy.http.module.js'
import { TokensHttpModule } from '#features/tokens/tokens.http.module.js'
import { type OpenPlatform, openPlatform } from '#platform/boot/open-platform.js'
import { PlatformModule } from '#platform/boot/platform.module.js'
import { loadSettings } from '#platform/config/settings.js'
import { Database } from '#platform/database/database.js'
import { createHttpApplication } from '#platform/http/http-application.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom, hashOf, newBearer } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { freePort } from '../../apps/demo/free-port.js'
import { INITECH } from '../../apps/sandbox/microsoft/default-seed.js'
import { PageWalker } from '../../apps/sandbox/microsoft/page-walker.js'
import { type Sandbox, startSandbox } from '../../apps/sandbox/sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../../apps/sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../../apps/sandbox/seed/seed-schema.js'

@Module({})
class ProxyStageModule {
  static forRoot(platform: OpenPlatform): DynamicModule {
    return {
      module: ProxyStageModule,
      imports: [PlatformModule.forRoot(platform), ClientsModule, ProxyHttpModule, TokensHttpModule],
    }
  }
}

/** Acme at Google and Initech at Microsoft, as an administrator's consent leaves them. */
const ORGANISATIONS = {
  google: {
    provider: 'google',
    organisationId: 'C01abc234',
    organisationName: 'Acme',
    domains: ['acme.test', 'acme.example'],
    administratorEmail: 'admin@acme.test',
  },
  microsoft: {
    provider: 'microsoft',
    organisationId: INITECH,
    organisationName: 'Initech',
    domains: ['initech.test', 'initech.onmicrosoft.test'],
    administratorEmail: 'admin@initech.test',
  },
} as const

const ATTEMPT = {
  redirectUri: 'http://127.0.0.1:4711/return',
  state: 'the state',
  nonce: 'the nonce',
  codeVerifier: new Secret('v'.repeat(43)),
}

export type StageProvider = keyof typeof ORGANISATIONS

export interface ProxyAnswer {
  status: number
  headers: IncomingMessage['headers']
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: JSON of three parties
  json: any
}

interface Asked {
  method?: string
  headers?: Record<string, string>
  /** JSON, or a text as it is; in chunks of no announced length where it is several. */
  body?: object | string | readonly string[]
  signal?: AbortSignal
}

/** A proxy between stand-ins for both providers, and mailboxes that have been granted. */
export interface ProxyStage {
  url: string
  sandbox: Sandbox
  /** Every line that was logged, for what must not be in it. */
  logged: string[]
  serviceAccounts: Record<StageProvider, ServiceAccount>
  /** The client that all of it was granted to. */
  client: { id: string; secret: string }
  database: Database
  allowProviderTokens(allowed: boolean): Promise<void>
  /** An access token for a mailbox that was proven as a worker would prove it. */
  tokenFor(provider: StageProvider, email: string, scope?: DelegatedScope[]): Promise<string>
  /** One for a mailbox that its owner has connected at the provider's own pages. */
  ownersTokenFor(
    provider: StageProvider,
    email: string,
    scope?: DelegatedScope[],
    /** Provider scopes that the owner has allowed on another occasion. */
    scopesBeside?: string[],
  ): Promise<string>
  serviceAccountToken(provider: StageProvider): Promise<string>
  revokeServiceAccount(provider: StageProvider): Promise<void>
  /** Sends the target as it is written: no client library tidies it up. */
  get(token: string | null, target: string, asked?: Asked): Promise<ProxyAnswer>
  /** Seeds both stand-ins anew, with both consents given. */
  reset(): void
  close(): Promise<void>
}

export async function openProxyStage(databaseUrl: Secret<string>, timeoutSeconds = 10): Promise<ProxyStage> {
  const { seed, operator } = await defaultSeed()
  const sandbox = await startSandbox({ seed })
  const port = await freePort()
  const settings = loadSettings('standalone', {
    DATABASE_URL: databaseUrl.reveal(),
    MANDATE_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
    MANDATE_SANDBOX_GOOGLE_URL: sandbox.google.url,
    MANDATE_SANDBOX_MICROSOFT_URL: sandbox.microsoft.url,
    MANDATE_PROVIDER_TIMEOUT_SECONDS: String(timeoutSeconds),
    PORT: String(port),
  })
  const logged: string[] = []
  const log = new Log('debug', (line) => logged.push(line))
  const platform = await openPlatform(settings, log)
  const app = await createHttpApplication(ProxyStageModule.forRoot(platform), log)
  await app.listen(port, '127.0.0.1')
  const url = `http://127.0.0.1:${port}`
  const domain = domainOf(app)
  giveConsent(sandbox, seed)
  const { client, google, microsoft } = await domain.connect(operator)
  const serviceAccounts = { google, microsoft }
  return {
    url,
    sandbox,
    logged,
    serviceAccounts,
    client,
    database: domain.database,
    allowProviderTokens: (allowed) => domain.allowProviderTokens(client.id, allowed),
    tokenFor: (provider, email, scope = ['read_only']) => domain.grant(serviceAccounts[provider], email, scope),
    ownersTokenFor: (provider, email, scope = ['read_only'], scopesBeside = []) =>
      domain.connectAccount(serviceAccounts[provider], email, scope, scopesBeside),
    serviceAccountToken: (provider) => domain.serviceAccountToken(serviceAccounts[provider]),
    revokeServiceAccount: (provider) => domain.revoke(serviceAccounts[provider].id),
    get: (token, target, asked) => get(port, token, target, asked),
    reset: () => giveConsent(sandbox, seed),
    close: async () => {
      await app.close()
      await platform.close()
      await sandbox.stop()
    },
  }
}

function giveConsent({ google, microsoft }: Sandbox, seed: SandboxSeed): void {
  for (const [standIn, world] of [[google, seed.google] as const, [microsoft, seed.microsoft] as const]) {
    standIn.reseed(world)
    standIn.faults.clear()
    standIn.journal.clear()
  }
  const everything = permissionsOf(['read_write'])
  const kinds = ['person', 'room'] as const
  const scopes = providerScopesFor('google', everything, kinds)
  google.mutate('add-delegation', { clientId: seed.google.serviceAccounts[0]!.clientId, scopes })
  const permissions = providerScopesFor('microsoft', everything, kinds)
  microsoft.mutate('grant-consent', { permissions })
}

/** What the consent pages, the worker and the token endpoint would do, each in one step. */
function domainOf(app: NestFastifyApplication) {
  const part = <T>(type: abstract new (...args: never[]) => T) => app.get<T>(type, { strict: false })
  const database = part(Database)
  const serviceAccounts = part(ServiceAccounts)

  const issue = async (grantId: string) => {
    const accessToken = newBearer(new CryptoRandom())
    await database.read((em) =>
      em.execute(
        `insert into access_tokens (token_hash, grant_id, created_at, expires_at)
         values (?, ?, now(), now() + interval '1 hour')`,
        [hashOf(accessToken), grantId],
      ),
    )
    return accessToken
  }

  return {
    database,

    allowProviderTokens: async (id: string, mayHoldProviderTokens: boolean) =>
      void (await database.inTransaction((tx) => tx.nativeUpdate(Client, { id }, { mayHoldProviderTokens }))),

    async connect({ googleKeyFile, googleClient, microsoftApp }: OperatorCredentials) {
      const { clientId, clientSecret } = microsoftApp
      const google = readGoogleKeyFile(JSON.stringify(googleKeyFile))
      const microsoft = {
        provider: 'microsoft' as const,
        clientId,
        cloud: 'global' as const,
        proof: { kind: 'secret' as const, clientSecret: new Secret(clientSecret) },
      }
      return database.inTransaction(async (tx) => {
        const { client, secret } = await part(Clients).register(tx, {
          ...{ name: 'Acme', redirectUris: [], callbackOrigins: [] },
        })
        const consented = async (provider: StageProvider) => {
          const credential = serialiseCredential(provider === 'google' ? google : microsoft)
          const signIn = { ...googleClient, clientSecret: new Secret(googleClient.clientSecret) }
          await part(ProviderCredentials).set(tx, { provider, clientId: null, credential, signIn })
          return serviceAccounts.connect(tx, {
            ...ORGANISATIONS[provider],
            domains: [...ORGANISATIONS[provider].domains],
            clientId: client.id,
            credentialSource: 'operator',
            credential: null,
            scope: ['service_account/accounts/manage', 'service_account/resources/manage'],
            delegatedScope: ['read_write'],
          })
        }
        return {
          client: { id: client.id, secret: secret.reveal() },
          google: await consented('google'),
          microsoft: await consented('microsoft'),
        }
      })
    },

    async grant(account: ServiceAccount, email: string, scope: DelegatedScope[]): Promise<string> {
      const { credential, version } = await serviceAccounts.credentialWithSecret(database, account)
      const organisation = organisationOf(account, credential, version)
      const proof = await part(Providers)
        .organisation(account.provider)
        .proveMailbox(organisation, email, permissionsOf(scope), ['person', 'room'])
      const { clientId, provider } = account
      const mailbox = { clientId, serviceAccountId: account.id, provider, scope, ...proof }
      const { grantId } = await grantMailbox(database.run, mailbox)
      return issue(grantId)
    },

    async connectAccount(
      { provider, clientId }: ServiceAccount,
      email: string,
      scope: DelegatedScope[],
      scopesBeside: string[],
    ): Promise<string> {
      const signIn = part(Providers).userSignIn(provider)
      const setup = await database.read((em) => part(ProviderCredentials).findWithSecret(em, provider, clientId))
      const registration = signInRegistrationOf(setup!)!
      const page = new PageWalker()
      const scopes = [...userScopesForPermissions(provider, permissionsOf(scope)), ...scopesBeside]
      await page.open(signIn.authorizationUrl(registration, ATTEMPT, { scopes }).href)
      await page.press('Next', { email, account: email })
      if (!page.location) await page.press('allow')
      const person = await signIn.exchange(registration, ATTEMPT, page.location!.searchParams.get('code')!)
      const [accountId, grantId] = [`acc_${randomUUID()}`, `gra_${randomUUID()}`]
      const { providerUserId, displayName } = person
      const userId = `user of ${accountId}`
      const mailbox = { id: accountId, clientId, userId, provider, kind: 'person', email: person.email } as const
      const createdAt = new Date()
      await database.inTransaction(async (tx) => {
        await tx.insert(Account, { ...mailbox, providerUserId, displayName, profileId: `pro_${accountId}`, createdAt })
        await tx.insert(Grant, { id: grantId, clientId, accountId, scope, refreshGeneration: 0, createdAt })
        await part(UserCredentials).keep(tx, {
          ...{ accountId, clientId, provider, providerUserId, registrationId: registration.clientId },
          ...{ organisationId: person.organisation, cloud: person.cloud },
          ...person.tokens,
        })
      })
      return issue(grantId)
    },

    async serviceAccountToken({ id, clientId, scope }: ServiceAccount): Promise<string> {
      const grantId = `gra_${id}`
      const grant = { id: grantId, clientId, serviceAccountId: id, scope, refreshGeneration: 0, createdAt: new Date() }
      await database.inTransaction((tx) => tx.insert(Grant, grant))
      return issue(grantId)
    },

    revoke: async (id: string) => void (await part(RevokeServiceAccounts).revoke(id)),
  }
}

async function get(port: number, token: string | null, target: string, asked: Asked = {}): Promise<ProxyAnswer> {
  const { method = 'GET', headers, signal, body: sent } = asked
  const chunks = Array.isArray(sent)
    ? sent
    : sent === undefined
      ? []
      : [typeof sent === 'string' ? sent : JSON.stringify(sent)]
  const type = { 'content-type': 'application/json' }
  const length =
    typeof sent === 'string' || !Array.isArray(sent)
      ? { 'content-length': String(Buffer.byteLength(chunks.join(''))) }
      : {}
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` }
  const call = request({
    host: '127.0.0.1',
    port,
    path: target,
    method,
    signal,
    headers: { ...authorization, ...(sent !== undefined && { ...type, ...length }), ...headers },
  })
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    call.once('response', resolve).once('error', reject)
    for (const chunk of chunks) call.write(chunk)
    call.end()
  })
  const body = await text(answer)
  const json = answer.headers['content-type']?.includes('json') && body ? JSON.parse(body) : undefined
  return { status: answer.statusCode ?? 0, headers: answer.headers, text: body, json }
}
