import { Secret } from '#platform/secrets/secret.js'
import { INITECH, UMBRELLA } from '../../../../apps/sandbox/microsoft/default-seed.js'
import { PageWalker } from '../../../../apps/sandbox/microsoft/page-walker.js'
import { type Sandbox, startSandbox } from '../../../../apps/sandbox/sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../../../../apps/sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../../../../apps/sandbox/seed/seed-schema.js'
import type { AdministratorProvider, SignedInAdministrator, SignInAttempt } from '../administrator.port.js'
import type { MicrosoftCredential } from '../provider.port.js'
import { providersForTests } from '../testing/providers-for-tests.js'

const ATTEMPT: SignInAttempt = {
  redirectUri: 'http://127.0.0.1:4711/return',
  state: 'the state',
  nonce: 'the nonce',
  codeVerifier: new Secret('v'.repeat(43)),
}

const ADMINISTRATOR: SignedInAdministrator = {
  email: 'admin@initech.test',
  organisation: INITECH,
  cloud: 'global',
  isAdministrator: true,
}

describe('an administrator at Microsoft', () => {
  const providers = providersForTests()
  let sandbox: Sandbox
  let seed: SandboxSeed
  let operator: OperatorCredentials
  let registration: MicrosoftCredential
  let microsoft: AdministratorProvider

  beforeAll(async () => {
    ;({ seed, operator } = await defaultSeed())
    sandbox = await startSandbox({ seed })
    const { clientId, clientSecret } = operator.microsoftApp
    const proof = { kind: 'secret', clientSecret: new Secret(clientSecret) } as const
    registration = { provider: 'microsoft', clientId, cloud: 'global', proof }
    const opened = await providers.open({ microsoftSandboxUrl: new URL(sandbox.microsoft.url), timeoutMs: 2_500 })
    microsoft = opened.administrator('microsoft')
  })
  afterAll(() => sandbox.stop())
  beforeEach(() => {
    sandbox.microsoft.reseed(seed.microsoft)
    sandbox.microsoft.faults.clear()
    sandbox.microsoft.journal.clear()
  })

  describe('signing in', () => {
    const signIn = async (account: string) => {
      const page = await new PageWalker().open(microsoft.signInUrl(registration, ATTEMPT).href)
      await page.press('Next', { account })
      return page
    }
    const codeOf = async (account: string) => (await signIn(account)).location?.searchParams.get('code') ?? ''
    const finish = async (account: string, changes: Partial<SignInAttempt> = {}) =>
      microsoft.finishSignIn(registration, { ...ATTEMPT, ...changes }, await codeOf(account))

    it('says who came back, from which organisation, and that it is an administrator', async () => {
      expect(await finish('admin@initech.test')).toEqual({
        email: 'admin@initech.test',
        organisation: INITECH,
        cloud: 'global',
        isAdministrator: true,
      })
    })

    it('reads the roles from the id_token where the registration puts them there', async () => {
      const registrations = seed.microsoft.registrations.map((one) => ({ ...one, widsInIdToken: true }))
      sandbox.microsoft.reseed({ ...seed.microsoft, registrations })
      expect(await finish('admin@initech.test')).toMatchObject({ isAdministrator: true })
      expect(sandbox.microsoft.journal.list({}).map(({ path }) => path)).not.toContainEqual(
        expect.stringContaining('/me/'),
      )
    })

    it.each([
      ['Privileged Role Administrator', true],
      ['Cloud Application Administrator', false],
      ['User Administrator', false],
      ['Global Reader', false],
    ])('knows that a %s can consent: %p', async (role, isAdministrator) => {
      for (const widsInIdToken of [false, true]) {
        const registrations = seed.microsoft.registrations.map((one) => ({ ...one, widsInIdToken }))
        sandbox.microsoft.reseed({ ...seed.microsoft, registrations })
        sandbox.microsoft.mutate('grant-consent')
        sandbox.microsoft.mutate('set-roles', { email: 'milton@initech.test', roles: [role] })
        expect(await finish('milton@initech.test')).toMatchObject({ isAdministrator })
      }
    })

    it('lets nobody who is not an administrator ask for the roles before consent', async () => {
      const page = await signIn('milton@initech.test')
      expect(page.location).toBeNull()
      expect(page.html).toContain('AADSTS90094')
    })

    it.each<[string, Partial<SignInAttempt>, string]>([
      ['another verifier', { codeVerifier: new Secret('w'.repeat(43)) }, 'oauth.code_invalid'],
      ['another nonce', { nonce: 'another' }, 'microsoft.sign_in_unproven'],
    ])('is refused with %s', async (_, changes, code) => {
      await expect(finish('admin@initech.test', changes)).rejects.toMatchObject({ code })
    })

    it('is refused with a code that was used before', async () => {
      const code = await codeOf('admin@initech.test')
      await microsoft.finishSignIn(registration, ATTEMPT, code)
      await expect(microsoft.finishSignIn(registration, ATTEMPT, code)).rejects.toMatchObject({
        code: 'oauth.code_invalid',
      })
    })

    it('is refused with an id_token that Microsoft did not sign, or signed for somebody else', async () => {
      const code = await codeOf('admin@initech.test')
      const form = {
        client_id: registration.clientId,
        client_secret: operator.microsoftApp.clientSecret,
        code,
        redirect_uri: ATTEMPT.redirectUri,
        code_verifier: ATTEMPT.codeVerifier.reveal(),
        grant_type: 'authorization_code',
      }
      const answer = await fetch(`${sandbox.microsoft.url}/organizations/oauth2/v2.0/token`, {
        method: 'POST',
        body: new URLSearchParams(form),
      })
      const genuine = (await answer.json()) as { id_token: string; access_token: string }
      const [header, claims, signature] = genuine.id_token.split('.') as [string, string, string]
      const changed = (changes: object) => {
        const told = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), ...changes }
        return [header, Buffer.from(JSON.stringify(told)).toString('base64url'), signature].join('.')
      }
      const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`
      const given = async (idToken: string, as = registration) => {
        sandbox.microsoft.faults.clear()
        sandbox.microsoft.faults.add({
          path: '/*/oauth2/v2.0/token',
          answer: { status: 200, json: { ...genuine, id_token: idToken } },
        })
        return microsoft.finishSignIn(as, ATTEMPT, 'code')
      }
      expect(await given(genuine.id_token)).toMatchObject({ organisation: INITECH })
      for (const forged of [
        changed({ tid: UMBRELLA }),
        changed({ oid: 'x' }),
        changed({ tid: '../x' }),
        unsigned,
        'x',
        'a.b.c',
      ])
        await expect(given(forged)).rejects.toMatchObject({ code: 'microsoft.sign_in_unproven' })
      const other = { ...registration, clientId: 'another client' }
      await expect(given(genuine.id_token, other)).rejects.toMatchObject({ code: 'microsoft.sign_in_unproven' })
    })

    it('tells a wrong secret from an outage', async () => {
      const code = await codeOf('admin@initech.test')
      const wrong: MicrosoftCredential = {
        ...registration,
        proof: { kind: 'secret', clientSecret: new Secret('wrong') },
      }
      await expect(microsoft.finishSignIn(wrong, ATTEMPT, code)).rejects.toMatchObject({
        code: 'microsoft.secret_invalid',
      })
      sandbox.microsoft.faults.add({ path: '/*/oauth2/v2.0/token', hang: true })
      await expect(microsoft.finishSignIn(registration, ATTEMPT, code)).rejects.toMatchObject({
        code: 'provider.unreachable',
      })
    })
  })

  describe('the second screen', () => {
    const open = () => {
      const url = microsoft.adminConsentUrl(registration, ADMINISTRATOR, ATTEMPT.redirectUri, 'the state')
      return new PageWalker().open(url?.href ?? '')
    }

    it('grants what the registration asks for, for this organisation', async () => {
      const page = await open()
      await page.press('Next', { account: 'admin@initech.test' })
      await page.press('accept')
      expect(Object.fromEntries(page.location?.searchParams ?? [])).toMatchObject({
        admin_consent: 'True',
        tenant: INITECH,
        state: 'the state',
      })
    })

    it.each([
      ['admin@initech.test', 'Cancel', 'microsoft.consent_declined'],
      ['admin@umbrella.test', null, 'microsoft.consent_wrong_directory'],
    ])('that %s leaves by %s means %s', async (account, button, key) => {
      const page = await open()
      await page.press('Next', { account })
      if (button) await page.press(button)
      const returned = page.location?.searchParams ?? new URLSearchParams()
      const refusal = microsoft.refusalOf({
        error: returned.get('error') ?? '',
        description: returned.get('error_description') ?? '',
      })
      expect(refusal.code).toBe(key)
    })
  })
})
