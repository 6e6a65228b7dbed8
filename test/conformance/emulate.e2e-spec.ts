import type { OAuthClient, SignInAttempt, SignInRegistration } from '#domain/providers/administrator.port.js'
import { serialiseCredential } from '#domain/providers/credential-codec.js'
import type { MicrosoftCredential, ProviderName } from '#domain/providers/provider.port.js'
import { endsUserGrant } from '#domain/providers/provider-errors.js'
import type { Providers } from '#domain/providers/providers.js'
import { providersForTests } from '#domain/providers/testing/providers-for-tests.js'
import type { ConnectedAccount } from '#domain/providers/user-access.js'
import { userScopesFor } from '#domain/providers/user-scopes.js'
import type { PersonTokens } from '#domain/providers/user-sign-in.port.js'
import { Secret } from '#platform/secrets/secret.js'
import { formsIn, PageWalker } from '../../apps/sandbox/microsoft/page-walker.js'
import { type Bridge, openEmulator } from './emulator-bridge.js'

const ATTEMPT: SignInAttempt = {
  redirectUri: 'http://127.0.0.1:4711/return',
  state: 'the state',
  nonce: 'the nonce',
  codeVerifier: new Secret('v'.repeat(43)),
}
const CLIENT = { client_id: 'app', client_secret: 'word', name: 'Mandate', redirect_uris: [ATTEMPT.redirectUri] }
const EMAIL = 'ada@acme.test'
const SEED = { users: [{ email: EMAIL, name: 'Ada Lovelace' }], oauth_clients: [CLIENT] }

const EMULATORS = {
  google: {
    issuer: 'https://accounts.google.com',
    seed: { ...SEED, calendars: [{ id: EMAIL, user_email: EMAIL, summary: EMAIL, primary: true }] },
    pathAt: (path: string) => path.replace(/^\/(token|revoke)\b/, '/oauth2/$1'),
  },
  microsoft: {
    issuer: 'https://login.microsoftonline.com',
    seed: SEED,
    // Any tenant is the same tenant there.
    pathAt: (path: string) => path.replace(/^\/[^/]+(?=\/(oauth2|discovery)\/)/, ''),
    discovery: { cloud_instance_name: 'microsoftonline.com', msgraph_host: 'graph.microsoft.com' },
  },
}
const REGISTRATIONS: Record<ProviderName, SignInRegistration> = {
  google: { clientId: 'app', clientSecret: new Secret('word') },
  microsoft: {
    provider: 'microsoft',
    clientId: 'app',
    cloud: 'global',
    proof: { kind: 'secret', clientSecret: new Secret('word') },
  },
}
const READS = { google: '/calendar/v3/users/me/calendarList', microsoft: '/v1.0/me' }

/** Somebody else's idea of both providers: the sandbox and the code under test cannot agree on a mistake of ours. */
describe.each<ProviderName>(['google', 'microsoft'])('Vercel’s emulator of %s', (name) => {
  const providersOver = providersForTests()
  const registration = REGISTRATIONS[name]
  const scopes = userScopesFor(name, ['calendars'])
  let emulator: Bridge
  let providers: Providers

  beforeAll(async () => {
    emulator = await openEmulator(name, EMULATORS[name])
    const sandboxes = { [`${name}SandboxUrl`]: emulator.url }
    providers = await providersOver.open({ ...sandboxes, timeoutMs: 5_000 })
  })
  afterAll(() => emulator.close())
  beforeEach(() => {
    emulator.asked.length = 0
  })

  const visit = async (): Promise<string> => {
    const page = new PageWalker()
    await page.open(providers.userSignIn(name).authorizationUrl(registration, ATTEMPT, { scopes }).href)
    const form = formsIn(page.html).find(({ inputs }) => inputs.email === EMAIL)
    await page.press(form!.buttons[0]!.text)
    expect(page.location?.searchParams.get('state')).toBe(ATTEMPT.state)
    return page.location?.searchParams.get('code') ?? ''
  }
  const connect = async () => providers.userSignIn(name).exchange(registration, ATTEMPT, await visit())
  const refresh = (tokens: PersonTokens) =>
    providers.userSignIn(name).refresh(registration, tokens.refreshToken!, scopes)

  it('lets a person connect an account', async () => {
    expect(await connect()).toMatchObject({
      providerUserId: expect.any(String),
      email: EMAIL,
      displayName: 'Ada Lovelace',
      tokens: { refreshToken: expect.any(Secret), grantedScopes: scopes, lifetimeMs: 3_600_000 },
    })
  })

  it.each<[string, Partial<SignInAttempt>, string]>([
    ['another verifier', { codeVerifier: new Secret('w'.repeat(43)) }, 'oauth.code_invalid'],
    ['another nonce', { nonce: 'another' }, `${name}.sign_in_unproven`],
  ])('is not believed with %s', async (_, change, code) => {
    const returned = await visit()
    const refused = providers.userSignIn(name).exchange(registration, { ...ATTEMPT, ...change }, returned)
    await expect(refused).rejects.toMatchObject({ code })
  })

  it('goes on with new tokens, and ends with the refresh token', async () => {
    const { tokens } = await connect()
    const refreshed = await refresh(tokens)
    expect(refreshed.grantedScopes).toEqual(scopes)
    if (name === 'google') {
      expect(refreshed.refreshToken).toBeNull()
      return
    }
    // Stricter than Microsoft: the one that was used is gone.
    expect(refreshed.refreshToken).toEqual(expect.any(Secret))
    const ended = await refresh(tokens).catch((error) => error)
    expect([ended.code, endsUserGrant(ended)]).toEqual(['grant.revoked', true])
    expect(await refresh(refreshed)).toMatchObject({ refreshToken: expect.any(Secret) })
  })

  it('is read as that person', async () => {
    const { tokens, providerUserId, organisation } = await connect()
    const account: ConnectedAccount = {
      ...{ accountId: `acc_${name}`, provider: name, providerUserId, organisationId: organisation },
      ...{ registrationId: 'app', grantedScopes: scopes, version: 'ver_1', requiresAuthentication: false },
      setup: async () => ({
        provider: name,
        credential: name === 'microsoft' ? serialiseCredential(registration as MicrosoftCredential) : null,
        signIn: name === 'google' ? (registration as OAuthClient) : null,
      }),
      refresh: (ask) => ask(tokens.refreshToken!),
    }
    const answer = await providers
      .userAccess(name)
      .callAs(account, { method: 'GET' as const, pathAndQuery: READS[name], headers: {} })
    expect(answer.status).toBe(200)
    expect(answer.body.toString()).toContain(EMAIL)
  })

  it('has it taken back by a form, where the provider has a way to', async () => {
    const { tokens } = await connect()
    emulator.asked.length = 0
    await providers.userSignIn(name).revocation?.revoke(registration, tokens.refreshToken!)
    expect(emulator.asked).toEqual(name === 'google' ? ['POST /revoke'] : [])
    if (name === 'google') await expect(refresh(tokens)).rejects.toMatchObject({ code: 'grant.revoked' })
  })
})
