import { Secret } from '#platform/secrets/secret.js'
import { PageWalker } from '../../../../apps/sandbox/microsoft/page-walker.js'
import { type Sandbox, startSandbox } from '../../../../apps/sandbox/sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../../../../apps/sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../../../../apps/sandbox/seed/seed-schema.js'
import type { AdministratorProvider, SignInAttempt, SignInRegistration } from '../administrator.port.js'
import { providersForTests } from '../testing/providers-for-tests.js'

const ATTEMPT: SignInAttempt = {
  redirectUri: 'http://127.0.0.1:4711/return',
  state: 'the state',
  nonce: 'the nonce',
  codeVerifier: new Secret('v'.repeat(43)),
}

describe('an administrator at Google', () => {
  const providers = providersForTests()
  let sandbox: Sandbox
  let seed: SandboxSeed
  let operator: OperatorCredentials
  let registration: SignInRegistration
  let google: AdministratorProvider

  beforeAll(async () => {
    ;({ seed, operator } = await defaultSeed())
    sandbox = await startSandbox({ seed })
    const { clientId, clientSecret } = operator.googleClient
    registration = { clientId, clientSecret: new Secret(clientSecret) }
    const opened = await providers.open({ googleSandboxUrl: new URL(sandbox.google.url), timeoutMs: 2_500 })
    google = opened.administrator('google')
  })
  afterAll(() => sandbox.stop())
  beforeEach(() => {
    sandbox.google.reseed(seed.google)
    sandbox.google.faults.clear()
    sandbox.google.journal.clear()
  })

  describe('signing in', () => {
    const signIn = async (email: string) => {
      const page = await new PageWalker().open(google.signInUrl(registration, ATTEMPT).href)
      await page.press('Next', { email })
      if (!page.location) await page.press('allow')
      return page.location?.searchParams ?? new URLSearchParams()
    }
    const finish = async (email: string, changes: Partial<SignInAttempt> = {}) => {
      const code = (await signIn(email)).get('code') ?? ''
      return google.finishSignIn(registration, { ...ATTEMPT, ...changes }, code)
    }

    it('says who came back and for which organisation', async () => {
      expect(await finish('admin@acme.test')).toEqual({
        email: 'admin@acme.test',
        organisation: 'acme.test',
        isAdministrator: null,
      })
    })

    it('gives a personal account no organisation', async () => {
      expect(await finish('pat.private@gmail.com')).toMatchObject({ organisation: null })
    })

    it('brings the state back', async () => {
      expect((await signIn('admin@acme.test')).get('state')).toBe('the state')
    })

    it.each<[string, Partial<SignInAttempt>, string]>([
      ['another verifier', { codeVerifier: new Secret('w'.repeat(43)) }, 'oauth.code_invalid'],
      ['another redirect URI', { redirectUri: 'http://127.0.0.1:4711/other' }, 'oauth.code_invalid'],
      ['another nonce', { nonce: 'another' }, 'google.sign_in_unproven'],
    ])('is refused with %s', async (_, changes, code) => {
      await expect(finish('admin@acme.test', changes)).rejects.toMatchObject({ code })
    })

    it('is refused with a code that was used before', async () => {
      const code = (await signIn('admin@acme.test')).get('code') ?? ''
      await google.finishSignIn(registration, ATTEMPT, code)
      await expect(google.finishSignIn(registration, ATTEMPT, code)).rejects.toMatchObject({
        code: 'oauth.code_invalid',
      })
    })

    it('is refused with an id_token that somebody else signed, without repeating it', async () => {
      const forged = `${btoa('{"alg":"RS256","kid":"x"}')}.${btoa('{"sub":"1"}')}.c2ln`
      const json = { access_token: 'a', id_token: forged, expires_in: 3599, token_type: 'Bearer' }
      const code = (await signIn('admin@acme.test')).get('code') ?? ''
      sandbox.google.faults.add({ path: '/token', answer: { status: 200, json } })
      const error = await google.finishSignIn(registration, ATTEMPT, code).catch((error) => error)
      expect(error.code).toBe('google.sign_in_unproven')
      expect(JSON.stringify([error.message, error.detail, error.cause])).not.toContain(forged.split('.')[1])
    })

    it('is the operator’s trouble when the registration is wrong, and nobody’s when Google is down', async () => {
      const code = (await signIn('admin@acme.test')).get('code') ?? ''
      const wrong = { ...registration, clientSecret: new Secret('wrong') }
      const refused = await google.finishSignIn(wrong, ATTEMPT, code).catch((error) => error)
      expect(refused.facts).toMatchObject({ key: 'google.sign_in_misconfigured', effect: 'operator' })
      sandbox.google.faults.add({ path: '/token', hang: true })
      await expect(google.finishSignIn(registration, ATTEMPT, code)).rejects.toMatchObject({
        code: 'provider.unreachable',
      })
    })
  })

  it('has no second screen: delegation is added by hand', () => {
    const administrator = { email: 'admin@acme.test', organisation: 'C01abc234', isAdministrator: null }
    expect(google.adminConsentUrl(registration, administrator, ATTEMPT.redirectUri, 'state')).toBeNull()
  })
})
