import { type DynamicModule, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { UserCredentials } from '#domain/credentials/user-credentials.js'
import { serialiseCredential } from '#domain/providers/credential-codec.js'
import type { MicrosoftCredential } from '#domain/providers/provider.port.js'
import { Providers } from '#domain/providers/providers.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { userScopesFor } from '#domain/providers/user-scopes.js'
import { type OpenPlatform, openPlatform } from '#platform/boot/open-platform.js'
import { PlatformModule } from '#platform/boot/platform.module.js'
import { loadSettings } from '#platform/config/settings.js'
import { Database } from '#platform/database/database.js'
import { armFailPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import { Secret } from '#platform/secrets/secret.js'
import { PageWalker } from '../../apps/sandbox/microsoft/page-walker.js'

@Module({})
class ConnectedAccountModule {
  static forRoot(platform: OpenPlatform): DynamicModule {
    const imports = [PlatformModule.forRoot(platform), CredentialsModule, ProvidersModule]
    return { module: ConnectedAccountModule, imports }
  }
}

const ACCOUNT = 'acc_1'
const CLIENT = 'cli_1'
const PERSON = 'milton@initech.test'
const ATTEMPT = {
  redirectUri: 'http://127.0.0.1:4711/return',
  state: 'the state',
  nonce: 'the nonce',
  codeVerifier: new Secret('v'.repeat(43)),
}

/** One account at Microsoft, with the parts of a process that act for it and no others. @param env as an operator sets it */
export async function openConnectedAccount(env: Record<string, string | undefined>) {
  const settings = loadSettings('standalone', env)
  const platform = await openPlatform(settings, new Log('silent'))
  armFailPoint(settings.failPoint)
  const app = await NestFactory.createApplicationContext(ConnectedAccountModule.forRoot(platform), { logger: false })
  const part = <T>(type: abstract new (...args: never[]) => T) => app.get<T>(type, { strict: false })
  const [database, providers] = [part(Database), part(Providers)]

  return {
    run: database.run,

    /** Through the provider's own pages. */
    async connect(registration: MicrosoftCredential): Promise<void> {
      const signIn = providers.userSignIn('microsoft')
      const scopes = userScopesFor('microsoft', ['calendars'])
      const page = await new PageWalker().open(signIn.authorizationUrl(registration, ATTEMPT, { scopes }).href)
      await page.press('Next', { account: PERSON })
      const person = await signIn.exchange(registration, ATTEMPT, page.location!.searchParams.get('code')!)
      await database.inTransaction(async (tx) => {
        const credential = serialiseCredential(registration)
        await part(ProviderCredentials).set(tx, { provider: 'microsoft', clientId: null, credential })
        await tx.execute(
          `insert into accounts (id, client_id, provider, email, kind, provider_user_id, profile_id, created_at)
           values (?, ?, 'microsoft', ?, 'person', ?, 'pro_1', now())`,
          [ACCOUNT, CLIENT, person.email, person.providerUserId],
        )
        await part(UserCredentials).keep(tx, {
          ...{ accountId: ACCOUNT, clientId: CLIENT, provider: 'microsoft', registrationId: registration.clientId },
          ...{ providerUserId: person.providerUserId, organisationId: person.organisation, cloud: person.cloud },
          ...person.tokens,
        })
      })
    },

    /** An access token of the account. */
    async use(): Promise<string> {
      const account = await part(UserCredentials).findConnection(ACCOUNT)
      if (!account) throw new Error('the account is not connected')
      return providers.userAccess('microsoft').use(account, 'interactive', async (token) => token)
    },

    async close(): Promise<void> {
      await app.close()
      await platform.close()
    },
  }
}
