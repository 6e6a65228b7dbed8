import { SystemClock } from '#platform/clock/clock.js'
import { defineStatement } from '#platform/database/statement.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { PageWalker } from '../../../apps/sandbox/microsoft/page-walker.js'
import { type Sandbox, startSandbox } from '../../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../../apps/sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../../../apps/sandbox/seed/seed-schema.js'
import { DisconnectedCredentials } from '../credentials/disconnected-credentials.js'
import { ProviderCredential } from '../credentials/provider-credential.entity.js'
import { type NewProviderCredential, ProviderCredentials } from '../credentials/provider-credentials.js'
import { UserCredential } from '../credentials/user-credential.entity.js'
import { UserCredentials } from '../credentials/user-credentials.js'
import type { SignInAttempt } from './administrator.port.js'
import { serialiseCredential } from './credential-codec.js'
import type { MicrosoftCredential, ProviderName } from './provider.port.js'
import { Providers } from './providers.js'
import { signInRegistrationOf } from './sign-in-registration.js'
import { ProviderTokens } from './tokens/provider-tokens.js'
import { userScopesFor } from './user-scopes.js'

const ATTEMPT: SignInAttempt = {
  redirectUri: 'http://127.0.0.1:4711/return',
  state: 'the state',
  nonce: 'the nonce',
  codeVerifier: new Secret('v'.repeat(43)),
}
const EMAILS = { google: 'anna@acme.test', microsoft: 'milton@initech.test' }
const TOKEN_PATH = { google: '/token', microsoft: '/common/oauth2/v2.0/token' }

describe.each<ProviderName>(['google', 'microsoft'])('acting for an account that was connected at %s', (name) => {
  const db = databaseForTests([UserCredential, ProviderCredential])
  const sealer = sealerForTests()
  const random = new CryptoRandom()
  const operator = new ProviderCredentials(new SystemClock(), random, sealer)
  const opened: ProviderTokens[] = []
  const finishAll = () => Promise.all(opened.splice(0).map((tokens) => tokens.beforeApplicationShutdown()))
  let sandbox: Sandbox
  let seed: SandboxSeed
  let one: ReturnType<typeof open>

  const sql = <Row>(text: string, ...values: unknown[]): Promise<Row[]> =>
    db.database.run(defineStatement<Row>('', text), values)

  /** One process: a memory of its own, in which tokens grow old when the test says so. */
  const open = () => {
    const settings = {
      googleSandboxUrl: new URL(sandbox.google.url),
      microsoftSandboxUrl: new URL(sandbox.microsoft.url),
      timeoutMs: 5_000,
      mintsPerSecond: 1_000,
    }
    const [clock, agesTokens, log] = [new SystemClock(), new HeldClock(), new Log('silent')]
    const tokens = new ProviderTokens(db.database, sealer, agesTokens, random, log, settings)
    opened.push(tokens)
    const providers = new Providers(settings, clock, tokens, log)
    const credentials = new UserCredentials(db.database, clock, random, sealer, operator, log, settings)
    const disconnected = new DisconnectedCredentials(db.database, clock, sealer, operator, log, settings)
    const access = providers.userAccess(name)
    const use = async () =>
      access.use((await credentials.findConnection('acc_1'))!, 'interactive', async (token) => token)
    return { providers, credentials, disconnected, access, use }
  }

  beforeAll(async () => {
    const made = await defaultSeed()
    seed = made.seed
    sandbox = await startSandbox({ seed })
    const { googleClient, microsoftApp } = made.operator
    const microsoft: MicrosoftCredential = {
      provider: 'microsoft',
      clientId: microsoftApp.clientId,
      cloud: 'global',
      proof: { kind: 'secret', clientSecret: new Secret(microsoftApp.clientSecret) },
    }
    const signIn = { clientId: googleClient.clientId, clientSecret: new Secret(googleClient.clientSecret) }
    await db.database.inTransaction(async (tx) => {
      await operator.set(tx, { provider: 'google', clientId: null, signIn })
      await operator.set(tx, { provider: 'microsoft', clientId: null, credential: serialiseCredential(microsoft) })
    })
  })
  afterAll(async () => {
    await finishAll()
    await sandbox.stop()
  })
  beforeEach(async () => {
    await sql('delete from user_credentials')
    await sql('delete from accounts')
    await forgetAccessTokens()
    for (const standIn of [sandbox.google, sandbox.microsoft]) {
      standIn.faults.clear()
      standIn.journal.clear()
    }
    sandbox.google.reseed(seed.google)
    sandbox.microsoft.reseed(seed.microsoft)
    one = open()
    await connect()
  })
  /** As an hour later. */
  const forgetAccessTokens = async () => {
    await finishAll()
    await sql('with forgotten as (delete from provider_tokens) delete from provider_budgets')
  }

  const standIn = () => sandbox[name]
  const setup = async () => (await db.database.read((em) => operator.findWithSecret(em, name, 'cli_1')))!

  /** From the browser to the rows, as a feature does it. */
  const connect = async (accountId = 'acc_1') => {
    const signIn = one.providers.userSignIn(name)
    const registration = signInRegistrationOf(await setup())!
    const url = signIn.authorizationUrl(registration, ATTEMPT, { scopes: userScopesFor(name, ['calendars']) })
    const page = await new PageWalker().open(url.href)
    await page.press('Next', { email: EMAILS[name], account: EMAILS[name] })
    if (!page.location) await page.press('allow')
    const code = page.location?.searchParams.get('code') ?? ''
    const person = await signIn.exchange(registration, ATTEMPT, code)
    await sql(
      `insert into accounts (id, client_id, provider, email, kind, provider_user_id, profile_id, created_at)
       values ($1, 'cli_1', $2, $3, 'person', $1, 'pro', now()) on conflict do nothing`,
      ...[accountId, name, person.email],
    )
    const kept = await db.database.inTransaction((tx) =>
      one.credentials.keep(tx, {
        ...{ accountId, clientId: 'cli_1', provider: name, registrationId: registration.clientId },
        ...{ providerUserId: person.providerUserId, organisationId: person.organisation, cloud: person.cloud },
        ...{ refreshToken: person.tokens.refreshToken, grantedScopes: person.tokens.grantedScopes },
      }),
    )
    expect(kept).toBe('kept')
    standIn().journal.clear()
    return person
  }
  const refreshes = () => standIn().journal.list({ path: TOKEN_PATH[name] }).length
  const row = async () => (await sql<Record<string, unknown>>('select * from user_credentials'))[0]!

  it('refreshes once for 64 who ask at once in two processes', async () => {
    if (name === 'microsoft') sandbox.microsoft.mutate('punish-reuse')
    standIn().faults.add({ path: TOKEN_PATH[name], delayMs: 300, times: 1 })
    const two = open()
    const given = await Promise.all(Array.from({ length: 64 }, (_, n) => [one, two][n % 2]!.use()))
    expect(new Set(given).size).toBe(1)
    expect(refreshes()).toBe(1)
    await forgetAccessTokens()
    await expect(open().use()).resolves.toEqual(expect.any(String))
  })

  it('reads with the owner’s own token, and with another when that one is refused', async () => {
    const { providerUserId } = (await one.credentials.findConnection('acc_1'))!
    const path = { google: '/calendar/v3/calendars/primary', microsoft: `/v1.0/users/${providerUserId}/calendar` }[name]
    const read = async () =>
      one.access.callAs((await one.credentials.findConnection('acc_1'))!, {
        method: 'GET' as const,
        pathAndQuery: path,
        headers: {},
      })
    expect((await read()).status).toBe(200)
    standIn().faults.add({ path, answer: { status: 401, json: { error: { code: 401 } } }, times: 1 })
    expect((await read()).status).toBe(200)
    expect(refreshes()).toBe(2)
  })

  it('asks the owner to sign in again when the provider has ended it, and nobody else any more', async () => {
    sandbox.google.mutate('revoke-consent', { email: EMAILS.google })
    sandbox.microsoft.mutate('revoke-sessions', { email: EMAILS.microsoft })
    await expect(one.use()).rejects.toMatchObject({ code: 'grant.revoked' })
    expect(await row()).toMatchObject({
      last_checked_error: 'grant.revoked',
      requires_authentication_since: expect.any(Date),
    })
    const asked = refreshes()
    await expect(one.use()).rejects.toMatchObject({ code: 'grant.revoked' })
    expect(refreshes()).toBe(asked)
    await connect()
    await expect(one.use()).resolves.toEqual(expect.any(String))
    expect(await row()).toMatchObject({ last_checked_error: null, requires_authentication_since: null })
  })

  it.each([
    ['is down', { answer: { status: 503, html: '' } }, 'provider.unavailable'],
    ['is busy', { answer: { status: 429, json: { error: 'rate_limit_exceeded' } } }, 'provider.throttled'],
    ['hangs up', { reset: true as const }, 'provider.unreachable'],
  ])('loses nothing while the provider %s', async (_, fault, code) => {
    standIn().faults.add({ path: TOKEN_PATH[name], ...fault })
    await expect(one.use()).rejects.toMatchObject({ code })
    expect(await row()).toMatchObject({ last_checked_error: code, requires_authentication_since: null })
    standIn().faults.clear()
    await sql('delete from provider_budgets')
    await expect(open().use()).resolves.toEqual(expect.any(String))
  })

  it('asks the owner to sign in again when the operator has another registration, and sends that one nothing', async () => {
    const before = await setup()
    const set = (wanted: Partial<NewProviderCredential>) =>
      db.database.inTransaction((tx) => operator.set(tx, { provider: name, clientId: null, ...wanted }))
    const another = { ...(signInRegistrationOf(before) as MicrosoftCredential), clientId: 'another' }
    if (name === 'google') await set({ signIn: { clientId: 'another', clientSecret: new Secret('x') } })
    else await set({ credential: serialiseCredential(another) })
    await expect(one.use()).rejects.toMatchObject({ code: 'grant.registration_replaced' })
    expect(refreshes()).toBe(0)
    expect(await row()).toMatchObject({ requires_authentication_since: expect.any(Date) })
    await set({ signIn: before.signIn ?? undefined, credential: before.credential ?? undefined })
  })

  describe('a check', () => {
    const check = async () => one.access.check((await one.credentials.findConnection('acc_1'))!)

    it('says that all is well, or that it has ended, and hears when it is given back', async () => {
      await check()
      expect(await row()).toMatchObject({ last_checked_error: null })
      await forgetAccessTokens()
      one = open()
      standIn().faults.add({ path: TOKEN_PATH[name], answer: { status: 400, json: { error: 'invalid_grant' } } })
      await expect(check()).rejects.toMatchObject({ code: 'grant.revoked' })
      standIn().faults.clear()
      await check()
      expect(await row()).toMatchObject({ last_checked_error: null, requires_authentication_since: null })
    })
  })

  it('takes back what was disconnected, where the provider has a way to', async () => {
    await db.database.inTransaction((tx) => one.disconnected.disconnect(tx, 'acc_1'))
    const outcome = await one.disconnected.takeBack('acc_1', (given, token) => one.access.revoke(given, token))
    expect(outcome).toBe('taken back')
    expect(await sql('select id from user_credentials')).toEqual([])
    const revocations = standIn().journal.list({ path: '/revoke' })
    expect(revocations.map(({ status }) => status)).toEqual(name === 'google' ? [200] : [])
  })

  it('leaves the consent alone while another account of ours stands on it', async () => {
    await connect('acc_2')
    await db.database.inTransaction((tx) => one.disconnected.disconnect(tx, 'acc_2'))
    const outcome = await one.disconnected.takeBack('acc_2', (given, token) => one.access.revoke(given, token))
    expect(outcome).toBe('left to another account')
    await expect(one.use()).resolves.toEqual(expect.any(String))
  })
})
