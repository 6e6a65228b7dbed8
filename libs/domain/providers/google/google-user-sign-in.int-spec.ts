import { Secret } from '#platform/secrets/secret.js'
import { PageWalker } from '../../../../apps/sandbox/microsoft/page-walker.js'
import { type Sandbox, startSandbox } from '../../../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../../../apps/sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../../../../apps/sandbox/seed/seed-schema.js'
import type { OAuthClient, SignInAttempt } from '../administrator.port.js'
import { endsUserGrant } from '../provider-errors.js'
import { providersForTests } from '../testing/providers-for-tests.js'
import { missingScopes, userScopesFor } from '../user-scopes.js'
import type { AskedConsent, UserSignIn } from '../user-sign-in.port.js'

const ATTEMPT: SignInAttempt = {
  redirectUri: 'http://127.0.0.1:4711/return',
  state: 'the state',
  nonce: 'the nonce',
  codeVerifier: new Secret('v'.repeat(43)),
}
const MAIL = userScopesFor('google', ['mailToRead'])
const CALENDAR = userScopesFor('google', ['calendars'])
const BOTH = [...CALENDAR, ...MAIL]

describe('a person who connects an account at Google', () => {
  const providers = providersForTests()
  let sandbox: Sandbox
  let seed: SandboxSeed
  let client: OAuthClient
  let google: UserSignIn

  beforeAll(async () => {
    const made = await defaultSeed()
    seed = made.seed
    sandbox = await startSandbox({ seed })
    const { clientId, clientSecret } = made.operator.googleClient
    client = { clientId, clientSecret: new Secret(clientSecret) }
    const opened = await providers.open({ googleSandboxUrl: new URL(sandbox.google.url), timeoutMs: 2_500 })
    google = opened.userSignIn('google')
  })
  afterAll(() => sandbox.stop())
  beforeEach(() => {
    sandbox.google.reseed(seed.google)
    sandbox.google.faults.clear()
    sandbox.google.journal.clear()
  })

  /** What the browser comes back with. */
  const visit = async (
    { email = 'anna@acme.test', press = 'allow', untick = [] as readonly string[] } = {},
    asked: AskedConsent = { scopes: BOTH },
  ) => {
    const page = await new PageWalker().open(google.authorizationUrl(client, ATTEMPT, asked).href)
    await page.press('Next', { email })
    // A box that is not ticked is not sent.
    page.html = untick.reduce((html, scope) => html.replaceAll(`name="scope:${scope}"`, 'name="unticked"'), page.html)
    await page.press(press)
    return page.location?.searchParams ?? new URLSearchParams()
  }
  const connect = async (...visited: Parameters<typeof visit>) =>
    google.exchange(client, ATTEMPT, (await visit(...visited)).get('code') ?? '')
  const refresh = async (token: Secret<string> | null) => google.refresh(client, token!, BOTH)
  const tokenStillWorks = async (token: Secret<string>) => {
    const headers = { authorization: `Bearer ${token.reveal()}` }
    return (await fetch(`${sandbox.google.url}/calendar/v3/calendars/primary`, { headers })).ok
  }

  it('is known by the id that outlives every address, and gives what was asked', async () => {
    const person = await connect()
    expect(person).toEqual({
      providerUserId: expect.stringMatching(/^\d{21}$/),
      email: 'anna@acme.test',
      displayName: expect.any(String),
      organisation: 'acme.test',
      tokens: {
        accessToken: expect.any(Secret),
        lifetimeMs: 3_599_000,
        refreshToken: expect.any(Secret),
        grantedScopes: BOTH,
      },
    })
    expect(await tokenStillWorks(person.tokens.accessToken)).toBe(true)
  })

  it('is asked for a refresh token, and for consent each time', async () => {
    const first = await connect()
    const again = await connect()
    expect(again.providerUserId).toBe(first.providerUserId)
    expect(again.tokens.refreshToken).not.toBeNull()
  })

  it('need not choose an account again to allow it again', () => {
    const promptOf = (reauthorise: boolean) =>
      google.authorizationUrl(client, ATTEMPT, { scopes: BOTH, loginHint: 'anna@acme.test', reauthorise }).searchParams
    expect(promptOf(true).get('prompt')).toBe('consent')
    expect(promptOf(false).get('prompt')).toBe('select_account consent')
    expect(promptOf(true).get('login_hint')).toBe('anna@acme.test')
  })

  it('gives no more than was asked this time, whatever else the registration was allowed', async () => {
    await connect()
    expect((await connect({}, { scopes: CALENDAR })).tokens.grantedScopes).toEqual(CALENDAR)
  })

  it('may leave something out, and it is said what', async () => {
    const { tokens } = await connect({ untick: MAIL })
    expect(tokens.grantedScopes).toEqual(CALENDAR)
    expect(missingScopes('google', BOTH, tokens.grantedScopes)).toEqual(MAIL)
  })

  it('may refuse', async () => {
    const back = await visit({ press: 'cancel' })
    const refusal = google.refusalOf({ error: back.get('error') ?? '', description: '' })
    expect(refusal.code).toBe('google.sign_in_declined')
    expect(refusal.publicText).not.toContain('administrator')
  })

  it('is believed only with the nonce, the verifier and the address of the return that belong together', async () => {
    const changes: [Partial<SignInAttempt>, string][] = [
      [{ nonce: 'another' }, 'google.sign_in_unproven'],
      [{ codeVerifier: new Secret('w'.repeat(43)) }, 'oauth.code_invalid'],
      [{ redirectUri: 'http://127.0.0.1:4711/other' }, 'oauth.code_invalid'],
    ]
    for (const [change, code] of changes) {
      const returned = (await visit()).get('code') ?? ''
      await expect(google.exchange(client, { ...ATTEMPT, ...change }, returned)).rejects.toMatchObject({ code })
    }
  })

  describe('with a code from an Android app', () => {
    const codeOf = (more: object = {}) => {
      const scopes = ['openid', 'email', ...CALENDAR]
      const answer = sandbox.google.mutate('issue-server-auth-code', { email: 'anna@acme.test', scopes, ...more })
      return (answer as { code: string }).code
    }

    it('is the same person', async () => {
      const person = await google.serverAuthCodes!.exchange(client, codeOf())
      expect(person.providerUserId).toBe((await connect()).providerUserId)
      expect(person.tokens).toMatchObject({ refreshToken: expect.any(Secret), grantedScopes: CALENDAR })
    })

    it('may bring no refresh token, when the app forced none', async () => {
      await connect()
      const person = await google.serverAuthCodes!.exchange(client, codeOf({ forceRefreshToken: false }))
      expect(person.tokens.refreshToken).toBeNull()
    })

    it('cannot use a code of a browser', async () => {
      const code = (await visit()).get('code') ?? ''
      await expect(google.serverAuthCodes!.exchange(client, code)).rejects.toMatchObject({ code: 'oauth.code_invalid' })
    })
  })

  describe('later', () => {
    it('is acted for with new access tokens; the refresh token stays', async () => {
      const { tokens } = await connect()
      const refreshed = await refresh(tokens.refreshToken)
      expect(refreshed).toMatchObject({ refreshToken: null, grantedScopes: BOTH, lifetimeMs: 3_599_000 })
      expect(await tokenStillWorks(refreshed.accessToken)).toBe(true)
    })

    it.each([
      ['took it back', 'revoke-consent'],
      ['was suspended', 'suspend-user'],
    ])('has to sign in again after the person %s', async (_, mutation) => {
      const { tokens } = await connect()
      sandbox.google.mutate(mutation, { email: 'anna@acme.test' })
      const error = await refresh(tokens.refreshToken).catch((error) => error)
      expect(error.code).toBe('grant.revoked')
      expect(endsUserGrant(error)).toBe(true)
    })

    it('has to sign in again after the session policy says so', async () => {
      const { tokens } = await connect()
      const json = { error: 'invalid_grant', error_description: 'reauth related error (invalid_rapt)' }
      sandbox.google.faults.add({ path: '/token', answer: { status: 400, json } })
      const error = await refresh(tokens.refreshToken).catch((error) => error)
      expect([error.code, endsUserGrant(error)]).toEqual(['google.reauth_required', true])
    })

    it.each([
      ['does not answer', { hang: true as const }, 'provider.unreachable'],
      ['is down', { answer: { status: 503, html: '<h1>Sorry</h1>' } }, 'provider.unavailable'],
      ['is busy', { answer: { status: 429, json: { error: 'rate_limit_exceeded' } } }, 'provider.throttled'],
      [
        'knows our registration no more',
        { answer: { status: 401, json: { error: 'deleted_client' } } },
        'google.sign_in_misconfigured',
      ],
    ])('has lost nothing while Google %s', async (_, fault, code) => {
      const { tokens } = await connect()
      sandbox.google.faults.add({ path: '/token', ...fault })
      const error = await refresh(tokens.refreshToken).catch((error) => error)
      expect([error.code, endsUserGrant(error)]).toEqual([code, false])
      sandbox.google.faults.clear()
      expect(await refresh(tokens.refreshToken)).toBeDefined()
    })
  })

  describe('taking it back', () => {
    it('ends every token of the person, by a form and in no URL', async () => {
      const { tokens } = await connect()
      sandbox.google.journal.clear()
      await google.revocation!.revoke(client, tokens.refreshToken!)
      expect(await tokenStillWorks(tokens.accessToken)).toBe(false)
      await expect(refresh(tokens.refreshToken)).rejects.toMatchObject({ code: 'grant.revoked' })
      const sent = sandbox.google.journal.list({ path: '/revoke' })
      expect(sent.map(({ method, path }) => [method, path])).toEqual([['POST', '/revoke']])
    })

    it('of what has ended already is done', async () => {
      const { tokens } = await connect()
      sandbox.google.mutate('revoke-consent', { email: 'anna@acme.test' })
      await expect(google.revocation!.revoke(client, tokens.refreshToken!)).resolves.toBeUndefined()
    })

    it('waits for Google when it is down', async () => {
      const { tokens } = await connect()
      sandbox.google.faults.add({ path: '/revoke', answer: { status: 503, html: '' } })
      const error = await google.revocation!.revoke(client, tokens.refreshToken!).catch((error) => error)
      expect(error.facts).toMatchObject({ key: 'provider.unavailable', class: 'retry' })
    })
  })
})
