import { Secret } from '#platform/secrets/secret.js'
import { INITECH } from '../../../../apps/sandbox/microsoft/default-seed.js'
import { PageWalker } from '../../../../apps/sandbox/microsoft/page-walker.js'
import { type Sandbox, startSandbox } from '../../../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../../../apps/sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../../../../apps/sandbox/seed/seed-schema.js'
import type { SignInAttempt } from '../administrator.port.js'
import type { MicrosoftCredential } from '../provider.port.js'
import { endsUserGrant } from '../provider-errors.js'
import { providersForTests } from '../testing/providers-for-tests.js'
import { userScopesFor } from '../user-scopes.js'
import type { AskedConsent, UserSignIn } from '../user-sign-in.port.js'

const ATTEMPT: SignInAttempt = {
  redirectUri: 'http://127.0.0.1:4711/return',
  state: 'the state',
  nonce: 'the nonce',
  codeVerifier: new Secret('v'.repeat(43)),
}
const SCOPES = userScopesFor('microsoft', ['calendars', 'mailToSend'])
const MILTON = 'milton@initech.test'

describe('a person who connects an account at Microsoft', () => {
  const providers = providersForTests()
  let sandbox: Sandbox
  let seed: SandboxSeed
  let registration: MicrosoftCredential
  let microsoft: UserSignIn

  beforeAll(async () => {
    const made = await defaultSeed()
    seed = made.seed
    sandbox = await startSandbox({ seed })
    const { clientId, clientSecret } = made.operator.microsoftApp
    const proof = { kind: 'secret', clientSecret: new Secret(clientSecret) } as const
    registration = { provider: 'microsoft', clientId, cloud: 'global', proof }
    const opened = await providers.open({ microsoftSandboxUrl: new URL(sandbox.microsoft.url), timeoutMs: 2_500 })
    microsoft = opened.userSignIn('microsoft')
  })
  afterAll(() => sandbox.stop())
  beforeEach(() => {
    sandbox.microsoft.reseed(seed.microsoft)
    sandbox.microsoft.faults.clear()
    sandbox.microsoft.journal.clear()
  })

  const visit = async (press = 'Next', asked: AskedConsent = { scopes: SCOPES }) => {
    const page = await new PageWalker().open(microsoft.authorizationUrl(registration, ATTEMPT, asked).href)
    await page.press(press, { account: MILTON })
    return page.location?.searchParams ?? new URLSearchParams()
  }
  const connect = async () => microsoft.exchange(registration, ATTEMPT, (await visit()).get('code') ?? '')
  const refresh = (token: Secret<string> | null, scopes = SCOPES) => microsoft.refresh(registration, token!, scopes)

  it('is known by an id within a tenant, and gives what was asked', async () => {
    expect(await connect()).toEqual({
      providerUserId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      email: MILTON,
      displayName: expect.any(String),
      organisation: INITECH,
      cloud: 'global',
      tokens: {
        accessToken: expect.any(Secret),
        lifetimeMs: expect.any(Number),
        refreshToken: expect.any(Secret),
        grantedScopes: SCOPES,
      },
    })
  })

  it('signs in with any account, at work or at home, and consents only where nobody has', () => {
    const url = microsoft.authorizationUrl(registration, ATTEMPT, { scopes: SCOPES })
    expect(url.pathname).toBe('/common/oauth2/v2.0/authorize')
    expect(url.searchParams.get('prompt')).toBe('select_account')
    const again = microsoft.authorizationUrl(registration, ATTEMPT, {
      scopes: SCOPES,
      loginHint: MILTON,
      reauthorise: true,
    })
    expect([again.searchParams.get('prompt'), again.searchParams.get('login_hint')]).toEqual([null, MILTON])
  })

  it('may refuse', async () => {
    const back = await visit('Cancel')
    const returned = { error: back.get('error') ?? '', description: back.get('error_description') ?? '' }
    expect(microsoft.refusalOf(returned).code).toBe('microsoft.consent_declined')
  })

  it('is believed only with the nonce, the verifier and the address of the return that belong together', async () => {
    const changes: [Partial<SignInAttempt>, string][] = [
      [{ nonce: 'another' }, 'microsoft.sign_in_unproven'],
      [{ codeVerifier: new Secret('w'.repeat(43)) }, 'oauth.code_invalid'],
      [{ redirectUri: 'http://127.0.0.1:4711/other' }, 'oauth.code_invalid'],
    ]
    for (const [change, code] of changes) {
      const returned = (await visit()).get('code') ?? ''
      await expect(microsoft.exchange(registration, { ...ATTEMPT, ...change }, returned)).rejects.toMatchObject({
        code,
      })
    }
  })

  describe('later', () => {
    it('is acted for with new tokens, and the refresh token is a new one each time', async () => {
      const { tokens } = await connect()
      const refreshed = await refresh(tokens.refreshToken)
      expect(refreshed).toMatchObject({ refreshToken: expect.any(Secret), grantedScopes: SCOPES })
      expect(refreshed.refreshToken!.reveal()).not.toBe(tokens.refreshToken!.reveal())
      expect(await refresh(refreshed.refreshToken)).toMatchObject({ refreshToken: expect.any(Secret) })
    })

    it.each([
      [
        'all sessions were ended',
        () => sandbox.microsoft.mutate('revoke-sessions', { email: MILTON }),
        'grant.revoked',
      ],
      [
        'the account was blocked',
        () => sandbox.microsoft.mutate('suspend-user', { email: MILTON }),
        'microsoft.user_disabled',
      ],
      ['the application was removed', () => sandbox.microsoft.mutate('revoke-consent'), 'microsoft.consent_missing'],
      ['a policy came in between', () => sandbox.microsoft.mutate('block-by-policy'), 'microsoft.blocked_by_policy'],
    ])('has to sign in again after %s', async (_, change, code) => {
      const { tokens } = await connect()
      change()
      const error = await refresh(tokens.refreshToken).catch((error) => error)
      expect([error.code, endsUserGrant(error)]).toEqual([code, true])
    })

    it('has to sign in again when Microsoft says so by a number that nobody knows', async () => {
      const { tokens } = await connect()
      const json = { error: 'invalid_grant', error_description: 'AADSTS1: New.', error_codes: [1] }
      sandbox.microsoft.faults.add({ path: '/*/oauth2/v2.0/token', answer: { status: 400, json } })
      await expect(refresh(tokens.refreshToken)).rejects.toMatchObject({ code: 'grant.revoked' })
    })

    it.each([
      ['Microsoft does not answer', { hang: true as const }, 'provider.unreachable'],
      ['Microsoft is down', { answer: { status: 503, html: '' } }, 'provider.unavailable'],
      ['Microsoft is busy', { answer: { status: 429, json: { error: 'x' } } }, 'provider.throttled'],
      [
        'our secret has expired',
        {
          answer: {
            status: 401,
            json: { error: 'invalid_client', error_description: 'AADSTS7000222: x', error_codes: [7000222] },
          },
        },
        'microsoft.secret_expired',
      ],
    ])('has lost nothing while %s', async (_, fault, code) => {
      const { tokens } = await connect()
      sandbox.microsoft.faults.add({ path: '/*/oauth2/v2.0/token', ...fault })
      const error = await refresh(tokens.refreshToken).catch((error) => error)
      expect([error.code, endsUserGrant(error)]).toEqual([code, false])
      sandbox.microsoft.faults.clear()
      expect(await refresh(tokens.refreshToken)).toBeDefined()
    })
  })

  it('cannot have it taken back at Microsoft, which has nothing for that', () => {
    expect([microsoft.revocation, microsoft.serverAuthCodes]).toEqual([null, null])
  })
})
