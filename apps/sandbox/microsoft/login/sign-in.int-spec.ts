import { createHash, randomUUID } from 'node:crypto'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { StandIn } from '../../core/stand-in.js'
import { defaultMicrosoftSeed, INITECH, type MicrosoftAppCredentials, UMBRELLA } from '../default-seed.js'
import { startMicrosoft } from '../microsoft-stand-in.js'
import { formsIn, PageWalker } from '../page-walker.js'
import { type MicrosoftSeedInput, microsoftSeed } from '../seed.js'
import { authorityOf, CryptoProvider, msal } from '../vendor-clients.js'

interface TokenAnswer {
  access_token?: string
  refresh_token?: string
  id_token?: string
  scope?: string
}

const REDIRECT = 'http://127.0.0.1:1/return'

describe('signing in', () => {
  let seed: MicrosoftSeedInput
  let app: MicrosoftAppCredentials
  let standIn: StandIn
  let browser: PageWalker

  beforeAll(async () => {
    ;({ seed, app } = await defaultMicrosoftSeed())
  })
  beforeEach(async () => {
    standIn = await startMicrosoft({ port: 0, seed: microsoftSeed.parse(seed) })
    browser = new PageWalker()
  })
  afterEach(() => standIn.close())

  const authorizeUrl = (changed: Record<string, string> = {}, tenant = 'organizations') => {
    const query = {
      client_id: app.clientId,
      response_type: 'code',
      redirect_uri: REDIRECT,
      scope: 'openid profile offline_access User.Read',
      state: 'st&te',
      ...changed,
    }
    return `${standIn.url}/${tenant}/oauth2/v2.0/authorize?${new URLSearchParams(query)}`
  }
  const answer = () => Object.fromEntries(browser.location?.searchParams ?? [])
  const codeFor = async (upn: string, changed: Record<string, string> = {}) => {
    await (await browser.open(authorizeUrl(changed))).press(upn)
    return answer().code ?? ''
  }
  const redeem = async (form: Record<string, string>, tenant = 'organizations') => {
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: app.clientId,
      client_secret: app.clientSecret,
      redirect_uri: REDIRECT,
      ...form,
    })
    const reply = await fetch(`${standIn.url}/${tenant}/oauth2/v2.0/token`, { method: 'POST', body })
    const json = (await reply.json()) as TokenAnswer & { error_codes?: number[] }
    return { ...json, refusedWith: json.error_codes?.[0] }
  }
  const refresh = (token: string, form: Record<string, string> = {}) =>
    redeem({ grant_type: 'refresh_token', refresh_token: token, ...form })

  it('lets MSAL finish the code flow with PKCE and nonce, and others verify the id_token', async () => {
    const { challenge, verifier } = await new CryptoProvider().generatePkceCodes()
    const nonce = randomUUID()
    const client = msal(standIn.url, app.clientId, app)
    const url = await client.getAuthCodeUrl({
      scopes: ['User.Read'],
      redirectUri: REDIRECT,
      state: 'xyz',
      nonce,
      codeChallenge: challenge,
      codeChallengeMethod: 'S256',
    })
    await (await browser.open(url)).press('admin@initech.test')
    expect(browser.location?.origin).toBe('http://127.0.0.1:1')
    expect(answer()).toMatchObject({ state: 'xyz', code: expect.any(String) })
    const result = await client.acquireTokenByCode({
      code: answer().code ?? '',
      scopes: ['User.Read'],
      redirectUri: REDIRECT,
      codeVerifier: verifier,
      nonce,
    })
    expect(result.account).toMatchObject({ tenantId: INITECH, username: 'admin@initech.test', name: 'Alex Admin' })
    const keys = createRemoteJWKSet(new URL(`${standIn.url}/organizations/discovery/v2.0/keys`))
    const { payload } = await jwtVerify(result.idToken, keys, {
      issuer: `https://login.microsoftonline.com/${INITECH}/v2.0`,
      audience: app.clientId,
    })
    expect(payload).toMatchObject({ ver: '2.0', nonce, tid: INITECH, preferred_username: 'admin@initech.test' })
    expect(payload.oid).not.toBe(payload.sub)
    expect(payload).not.toHaveProperty('wids')
  })

  it('tells the administrator roles in the id_token when the registration asks for them', async () => {
    const registration = { ...seed.registrations?.[0], widsInIdToken: true }
    standIn.definition.seed.load(microsoftSeed.parse({ ...seed, registrations: [registration] }))
    const widsOf = async (upn: string) => {
      const { id_token = '' } = await redeem({ code: await codeFor(upn) })
      return JSON.parse(Buffer.from(id_token.split('.')[1] ?? '', 'base64url').toString()).wids
    }
    expect(await widsOf('admin@initech.test')).toContain('62e90394-69f5-4237-9190-012177145e10')
    expect(await widsOf('milton@initech.test')).toEqual(['b79fbf4d-3ef9-4689-8143-76b194e85509'])
  })

  it('redeems a code once, at its own address, with its verifier, within ten minutes, in its own tenant', async () => {
    const verifier = 'v'.repeat(43)
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
    const code = await codeFor('milton@initech.test', pkce)
    expect((await redeem({ code, code_verifier: 'wrong' })).refusedWith).toBe(501481)
    expect((await redeem({ code })).refusedWith).toBe(501481)
    expect((await redeem({ code, code_verifier: verifier, redirect_uri: `${REDIRECT}2` })).refusedWith).toBe(500112)
    expect((await redeem({ code, code_verifier: verifier }, UMBRELLA)).refusedWith).toBe(700005)
    expect((await redeem({ code, code_verifier: verifier, client_secret: 'wrong' })).refusedWith).toBe(7000215)
    expect((await redeem({ code, code_verifier: verifier }, INITECH)).scope).toBe('openid profile User.Read')
    expect((await redeem({ code, code_verifier: verifier })).refusedWith).toBe(54005)
    expect((await redeem({ code: 'made-up' })).refusedWith).toBe(70000)
    const late = await codeFor('milton@initech.test')
    standIn.mutate('shift-clock', { seconds: 601 })
    expect((await redeem({ code: late })).refusedWith).toBe(70008)
  })

  it('rotates the refresh token with every use, and the old one still works', async () => {
    const first = await redeem({ code: await codeFor('milton@initech.test') })
    const second = await refresh(first.refresh_token ?? '')
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect(second.id_token).toBeDefined()
    expect((await refresh(first.refresh_token ?? '')).access_token).toBeDefined()
    expect((await refresh(second.refresh_token ?? '', { scope: 'User.Read offline_access' })).scope).toBe('User.Read')
    expect((await refresh(second.refresh_token ?? '', { scope: 'Mail.Send' })).refusedWith).toBe(65001)
  })

  it('gives no refresh token without offline_access, and no id_token without openid', async () => {
    const bare = await redeem({ code: await codeFor('milton@initech.test', { scope: 'User.Read' }) })
    expect([bare.refresh_token, bare.id_token]).toEqual([undefined, undefined])
    expect(bare.access_token).toBeDefined()
  })

  it('stops refreshing for a person who was blocked, deleted, or whose app was removed', async () => {
    const tokenOf = async (upn: string) => (await redeem({ code: await codeFor(upn) })).refresh_token ?? ''
    const [milton, bill] = [await tokenOf('milton@initech.test'), await tokenOf('bill@initech.test')]
    standIn.mutate('suspend-user', { email: 'milton@initech.test' })
    expect((await refresh(milton)).refusedWith).toBe(50057)
    standIn.mutate('restore-user', { email: 'milton@initech.test' })
    standIn.mutate('block-by-policy')
    expect((await refresh(milton)).refusedWith).toBe(53003)
    standIn.mutate('block-by-policy', { blocked: false })
    standIn.mutate('delete-user', { email: 'bill@initech.test' })
    expect((await refresh(bill)).refusedWith).toBe(50034)
    standIn.mutate('revoke-consent')
    expect((await refresh(milton)).refusedWith).toBe(65001)
  })

  it('goes back with a refusal on cancel, on a request it cannot follow, and when nobody may be asked', async () => {
    await (await browser.open(authorizeUrl())).press('Cancel')
    expect(answer()).toMatchObject({ error: 'access_denied', state: 'st&te' })
    expect(answer().error_description).toMatch(/^AADSTS65004/)
    const refusedAtOnce = async (changed: Record<string, string>) => {
      await browser.open(authorizeUrl(changed))
      return answer().error
    }
    expect(await refusedAtOnce({ prompt: 'none' })).toBe('login_required')
    expect(await refusedAtOnce({ response_type: 'token' })).toBe('unsupported_response_type')
    expect(await refusedAtOnce({ code_challenge: 'abc', code_challenge_method: 'plain' })).toBe('invalid_request')
    expect(await refusedAtOnce({ scope: '' })).toBe('invalid_request')
  })

  it('shows and never redirects what is wrong with app, address, tenant or account', async () => {
    const shown = async (url: string, account?: string) => {
      await browser.open(url)
      if (account) await browser.press('Next', { account })
      return browser.location === null ? /AADSTS\d+|find an account/.exec(browser.html)?.[0] : 'redirected'
    }
    expect(await shown(authorizeUrl({ client_id: randomUUID() }))).toBe('AADSTS700016')
    expect(await shown(authorizeUrl({ redirect_uri: 'https://evil.test/' }))).toBe('AADSTS50011')
    expect(await shown(authorizeUrl({}, 'nobody.test'))).toBe('AADSTS90002')
    expect(await shown(authorizeUrl(), 'nobody@initech.test')).toBe('find an account')
    expect(await shown(authorizeUrl(), 'disabled@initech.test')).toBe('AADSTS50057')
    expect(await shown(authorizeUrl(), 'room.apollo@initech.test')).toBe('AADSTS50034')
    expect(await shown(authorizeUrl({}, INITECH), 'ursula@umbrella.test')).toBe('AADSTS50020')
    expect(await shown(authorizeUrl({ scope: 'openid Directory.Read.All' }), 'milton@initech.test')).toBe('AADSTS90094')
    expect(await shown(authorizeUrl({ scope: 'openid Directory.Read.All' }), 'admin@initech.test')).toBe('redirected')
  })

  it('says on every page that it is not Microsoft, offers the accounts and fills in the hint', async () => {
    await browser.open(authorizeUrl({ login_hint: 'milton@initech.test' }, 'initech.test'))
    expect(browser.html).toContain('SANDBOX — not Microsoft')
    const [accounts, other] = formsIn(browser.html)
    expect(accounts?.buttons.map(({ value }) => value)).toContain('admin@initech.test')
    expect(accounts?.buttons.map(({ value }) => value)).not.toContain('admin@umbrella.test')
    expect(other?.inputs).toEqual({ account: 'milton@initech.test' })
  })

  it('escapes what comes from outside', async () => {
    await browser.open(authorizeUrl({ client_id: '<script>alert(1)</script>', login_hint: '"><b>' }))
    expect(browser.html).not.toContain('<script>')
  })

  it('answers by a form that posts itself, and by fragment, when asked', async () => {
    await (await browser.open(authorizeUrl({ response_mode: 'form_post' }))).press('milton@initech.test')
    expect(browser.location).toBeNull()
    expect(formsIn(browser.html)).toMatchObject([
      { action: REDIRECT, inputs: { code: expect.any(String), state: 'st&te' } },
    ])
    await (await browser.open(authorizeUrl({ response_mode: 'fragment' }))).press('milton@initech.test')
    expect(new URLSearchParams(browser.location?.hash.slice(1)).get('state')).toBe('st&te')
  })

  it('signs out to a registered address only', async () => {
    const out = (to: string) => browser.open(`${standIn.url}/common/oauth2/v2.0/logout?post_logout_redirect_uri=${to}`)
    await out('https://evil.test/')
    expect([browser.status, browser.location]).toEqual([200, null])
  })

  it('makes the app known in the tenant, with no permission, by a mere sign-in', async () => {
    const client = msal(standIn.url, app.clientId, app)
    await codeFor('milton@initech.test')
    const result = await client.acquireTokenByClientCredential({
      scopes: ['https://graph.microsoft.com/.default'],
      authority: authorityOf(INITECH),
    })
    expect(JSON.parse(Buffer.from(result?.accessToken.split('.')[1] ?? '', 'base64url').toString())).not.toHaveProperty(
      'roles',
    )
  })
})
