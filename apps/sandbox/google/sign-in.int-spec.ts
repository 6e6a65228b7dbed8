import { CodeChallengeMethod } from 'google-auth-library'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { type Sandbox, startSandbox } from '../sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../seed/default-seed.js'
import type { SandboxSeed } from '../seed/seed-schema.js'
import { vendorClients } from './vendor-clients.js'

const A = 'https://www.googleapis.com/auth/'
const REDIRECT_URI = 'http://127.0.0.1:4711/return?from=google'

describe('signing in with Google', () => {
  let operator: OperatorCredentials
  let seed: SandboxSeed
  let sandbox: Sandbox

  beforeAll(async () => {
    ;({ seed, operator } = await defaultSeed())
    sandbox = await startSandbox({ seed })
  })
  afterAll(() => sandbox.stop())

  beforeEach(() => {
    sandbox.google.reseed(seed.google)
    sandbox.google.journal.clear()
  })

  const client = () => vendorClients(sandbox.google.url, operator).signIn(REDIRECT_URI)

  /** A browser without JavaScript: fills in the form of a page and presses a button. */
  const submit = async (page: string, fields: Record<string, string | null>, form = 0) => {
    const source = page.split('<form').slice(1)[form] ?? ''
    const action = /action="([^"]+)"/.exec(source)?.[1] ?? ''
    const body = new URLSearchParams()
    for (const [input] of source.matchAll(/<input[^>]*>/g)) {
      const [name, value] = [/ name="([^"]*)"/.exec(input)?.[1] ?? '', / value="([^"]*)"/.exec(input)?.[1]]
      if (!input.includes('type="checkbox"') || / checked/.test(input))
        body.set(name, (value ?? 'on').replaceAll('&amp;', '&'))
    }
    for (const [name, value] of Object.entries(fields)) value === null ? body.delete(name) : body.set(name, value)
    return fetch(`${sandbox.google.url}${action}`, { method: 'POST', body, redirect: 'manual' })
  }
  const open = async (url: string) => (await fetch(url)).text()
  const returned = (answer: Response) => {
    expect(answer.status).toBe(303)
    return new URL(answer.headers.get('location') ?? '').searchParams
  }
  /** From the authorisation URL to the parameters of the return. */
  const allow = async (url: string, email: string, fields: Record<string, string | null> = {}) => {
    const chosen = await submit(await open(url), { email })
    const answer = chosen.status === 303 ? chosen : await submit(await chosen.text(), { decision: 'allow', ...fields })
    return returned(answer)
  }

  it('ends with an id_token that the library and anybody else can verify', async () => {
    const auth = client()
    const { codeVerifier, codeChallenge } = await auth.generateCodeVerifierAsync()
    const url = auth.generateAuthUrl({
      scope: ['openid', 'email', 'profile'],
      state: 'a state',
      nonce: 'a nonce',
      code_challenge: codeChallenge!,
      code_challenge_method: CodeChallengeMethod.S256,
    })
    const back = await allow(url, 'admin@acme.test')
    expect(Object.fromEntries(back)).toMatchObject({
      from: 'google',
      state: 'a state',
      iss: 'https://accounts.google.com',
      hd: 'acme.test',
      scope: `openid ${A}userinfo.email ${A}userinfo.profile`,
    })
    const { tokens } = await auth.getToken({ code: back.get('code')!, codeVerifier })
    expect(tokens).toMatchObject({ token_type: 'Bearer', scope: back.get('scope') })
    expect(tokens.refresh_token).toBeUndefined()
    const ticket = await auth.verifyIdToken({ idToken: tokens.id_token!, audience: operator.googleClient.clientId })
    expect(ticket.getPayload()).toMatchObject({
      iss: 'https://accounts.google.com',
      azp: operator.googleClient.clientId,
      sub: expect.stringMatching(/^1\d{20}$/),
      hd: 'acme.test',
      email: 'admin@acme.test',
      email_verified: true,
      nonce: 'a nonce',
      name: 'Ada Admin',
      at_hash: expect.any(String),
    })
    const keys = createLocalJWKSet(await (await fetch(`${sandbox.google.url}/oauth2/v3/certs`)).json())
    await expect(jwtVerify(tokens.id_token!, keys, { issuer: 'https://accounts.google.com' })).resolves.toBeDefined()
    await expect(auth.verifyIdToken({ idToken: tokens.id_token!, audience: 'another' })).rejects.toThrow(/audience/)
    const info = await auth.getTokenInfo(tokens.access_token!)
    expect(info).toMatchObject({
      aud: operator.googleClient.clientId,
      email: 'admin@acme.test',
      sub: ticket.getUserId(),
    })
    const userInfo = await fetch(`${sandbox.google.url}/v1/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    expect(await userInfo.json()).toMatchObject({ sub: ticket.getUserId(), email: 'admin@acme.test', hd: 'acme.test' })
  })

  it('says nothing of a Workspace domain for a personal account', async () => {
    const auth = client()
    const back = await allow(auth.generateAuthUrl({ scope: ['openid', 'email'] }), 'pat.private@gmail.com')
    expect(back.has('hd')).toBe(false)
    const { tokens } = await auth.getToken(back.get('code')!)
    const ticket = await auth.verifyIdToken({ idToken: tokens.id_token!, audience: operator.googleClient.clientId })
    expect(ticket.getPayload()).not.toHaveProperty('hd')
    expect(ticket.getPayload()).not.toHaveProperty('name')
  })

  it('grants what stays ticked, and opens that calendar', async () => {
    const auth = client()
    const url = auth.generateAuthUrl({
      scope: ['openid', `${A}calendar.readonly`, `${A}contacts.readonly`],
      access_type: 'offline',
    })
    const back = await allow(url, 'anna@acme.test', { [`scope:${A}contacts.readonly`]: null })
    const { tokens } = await auth.getToken(back.get('code')!)
    expect(tokens.scope).toBe(`openid ${A}calendar.readonly`)
    expect(tokens.refresh_token).toMatch(/^1\/\//)
    auth.setCredentials(tokens)
    const { calendar } = vendorClients(sandbox.google.url, operator)
    expect((await calendar(auth).calendars.get({ calendarId: 'primary' })).data.id).toBe('anna@acme.test')
  })

  it('returns access_denied when the person cancels', async () => {
    const url = client().generateAuthUrl({ scope: ['openid'], state: 's' })
    const consent = await (await submit(await open(url), { email: 'anna@acme.test' })).text()
    expect(Object.fromEntries(returned(await submit(consent, { decision: 'cancel' })))).toMatchObject({
      error: 'access_denied',
      state: 's',
    })
  })

  it('asks only once, unless told to, and gives a refresh token only then', async () => {
    const auth = client()
    const request = { scope: ['openid', `${A}calendar.readonly`], access_type: 'offline' }
    const first = await auth.getToken((await allow(auth.generateAuthUrl(request), 'anna@acme.test')).get('code')!)
    expect(first.tokens.refresh_token).toBeDefined()
    const chosen = await submit(await open(auth.generateAuthUrl(request)), { email: 'anna@acme.test' })
    const second = await auth.getToken(returned(chosen).get('code')!)
    expect(second.tokens.refresh_token).toBeUndefined()
    const again = await allow(auth.generateAuthUrl({ ...request, prompt: 'consent' }), 'anna@acme.test')
    expect((await auth.getToken(again.get('code')!)).tokens.refresh_token).toBeDefined()
  })

  it('shows whom the hint names, and turns away strangers and the suspended', async () => {
    const page = await open(client().generateAuthUrl({ scope: ['openid'], login_hint: 'anna@acme.test' }))
    expect(page).toContain('<input type="email" id="email" name="email" value="anna@acme.test"')
    expect(page).toContain('SANDBOX — not Google')
    expect(await (await submit(page, { email: 'nobody@acme.test' })).text()).toContain('find your Google Account')
    expect(await (await submit(page, { email: 'suspended@acme.test' })).text()).toContain('suspended')
  })

  it.each<[string, Record<string, string>, number, string]>([
    ['an unknown client', { client_id: 'x.apps.googleusercontent.com' }, 401, 'invalid_client'],
    ['another redirect URI', { redirect_uri: 'https://evil.test/' }, 400, 'redirect_uri_mismatch'],
    ['a script as redirect URI', { redirect_uri: 'javascript:alert(1)' }, 400, 'redirect_uri_mismatch'],
    ['no scope', { scope: '' }, 400, 'invalid_request'],
    ['an unknown scope', { scope: `${A}calender` }, 400, 'invalid_scope'],
    ['another response type', { response_type: 'token' }, 400, 'unsupported_response_type'],
    ['a plain challenge', { code_challenge: 'x', code_challenge_method: 'plain' }, 400, 'invalid_request'],
  ])('shows its own page, and sends the browser nowhere, for %s', async (_what, change, status, error) => {
    const url = new URL(client().generateAuthUrl({ scope: ['openid'] }))
    for (const [name, value] of Object.entries(change)) url.searchParams.set(name, value)
    const answer = await fetch(url, { redirect: 'manual' })
    expect([answer.status, answer.headers.get('location')]).toEqual([status, null])
    expect(await answer.text()).toContain(error)
  })

  it('shows the page of a client that the administrator blocks', async () => {
    sandbox.google.mutate('block-client', { clientId: operator.googleClient.clientId })
    const answer = await submit(await open(client().generateAuthUrl({ scope: ['openid'] })), {
      email: 'anna@acme.test',
    })
    expect(await answer.text()).toContain('admin_policy_enforced')
  })

  it('redeems a code once, for its own client, address and verifier, within ten minutes', async () => {
    const auth = client()
    const { codeVerifier, codeChallenge } = await auth.generateCodeVerifierAsync()
    const url = auth.generateAuthUrl({
      scope: ['openid'],
      prompt: 'consent',
      code_challenge: codeChallenge!,
      code_challenge_method: CodeChallengeMethod.S256,
    })
    const newCode = async () => (await allow(url, 'anna@acme.test')).get('code')!
    const refusal = (description: string) => ({
      status: 400,
      response: { data: { error: 'invalid_grant', error_description: description } },
    })
    const used = await newCode()
    await auth.getToken({ code: used, codeVerifier })
    await expect(auth.getToken({ code: used, codeVerifier })).rejects.toMatchObject(refusal('Bad Request'))
    await expect(auth.getToken({ code: 'nonsense', codeVerifier })).rejects.toMatchObject(
      refusal('Malformed auth code.'),
    )
    await expect(auth.getToken({ code: await newCode(), codeVerifier: 'x'.repeat(43) })).rejects.toMatchObject(
      refusal('Bad Request'),
    )
    await expect(auth.getToken(await newCode())).rejects.toMatchObject(refusal('Bad Request'))
    await expect(
      auth.getToken({ code: await newCode(), codeVerifier, redirect_uri: 'http://127.0.0.1/other' }),
    ).rejects.toMatchObject(refusal('Bad Request'))
    const late = await newCode()
    sandbox.google.mutate('shift-clock', { seconds: 601 })
    await expect(auth.getToken({ code: late, codeVerifier })).rejects.toMatchObject(refusal('Bad Request'))
  })

  it('knows its client by id and secret', async () => {
    const token = async (fields: Record<string, string>) => {
      const body = new URLSearchParams({ grant_type: 'authorization_code', code: '4/0Ax', ...fields })
      const answer = await fetch(`${sandbox.google.url}/token`, { method: 'POST', body })
      return [answer.status, ((await answer.json()) as { error: string }).error]
    }
    expect(await token({})).toEqual([400, 'invalid_request'])
    expect(await token({ client_id: 'unknown', client_secret: 'x' })).toEqual([401, 'invalid_client'])
    expect(await token({ client_id: operator.googleClient.clientId, client_secret: 'x' })).toEqual([
      401,
      'invalid_client',
    ])
  })

  describe('with a refresh token', () => {
    const connect = async () => {
      const auth = client()
      const url = auth.generateAuthUrl({ scope: ['openid', `${A}calendar.readonly`], access_type: 'offline' })
      const { tokens } = await auth.getToken((await allow(url, 'anna@acme.test')).get('code')!)
      auth.setCredentials(tokens)
      return { auth, tokens }
    }
    const revoked = {
      status: 400,
      response: { data: { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' } },
    }

    it('refreshes, and keeps the refresh token', async () => {
      const { auth, tokens } = await connect()
      const { credentials } = await auth.refreshAccessToken()
      expect(credentials.access_token).not.toBe(tokens.access_token)
      expect(credentials.refresh_token).toBe(tokens.refresh_token)
      expect(credentials.id_token).toBeDefined()
    })

    it.each<[string, (auth: Awaited<ReturnType<typeof connect>>['auth']) => unknown]>([
      ['the person removes the client', () => sandbox.google.mutate('revoke-consent', { email: 'anna@acme.test' })],
      ['the person is suspended', () => sandbox.google.mutate('suspend-user', { email: 'anna@acme.test' })],
      ['the client revokes the refresh token', (auth) => auth.revokeToken(auth.credentials.refresh_token!)],
      ['the client revokes the access token', (auth) => auth.revokeToken(auth.credentials.access_token!)],
    ])('ends both tokens once %s', async (_when, end) => {
      const { auth, tokens } = await connect()
      await end(auth)
      await expect(client().getTokenInfo(tokens.access_token!)).rejects.toMatchObject({ status: 400 })
      auth.setCredentials(tokens)
      await expect(auth.refreshAccessToken()).rejects.toMatchObject(revoked)
    })

    it('says so when there is nothing left to revoke', async () => {
      const { auth, tokens } = await connect()
      await auth.revokeToken(tokens.refresh_token!)
      const body = new URLSearchParams({ token: tokens.refresh_token! })
      const answer = await fetch(`${sandbox.google.url}/revoke`, { method: 'POST', body })
      expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_token' })])
    })
  })

  it('describes itself for discovery under the name of Google', async () => {
    const answer = await fetch(`${sandbox.google.url}/.well-known/openid-configuration`)
    expect(await answer.json()).toMatchObject({
      issuer: 'https://accounts.google.com',
      token_endpoint: `${sandbox.google.url}/token`,
      authorization_response_iss_parameter_supported: true,
    })
  })

  it('leaves no code, token, secret or state in the journal', async () => {
    const auth = client()
    const url = auth.generateAuthUrl({ scope: ['openid'], access_type: 'offline', state: 'my-own-state' })
    const back = await allow(url, 'anna@acme.test')
    const { tokens } = await auth.getToken(back.get('code')!)
    await auth.getTokenInfo(tokens.access_token!)
    await auth.refreshAccessToken().catch(() => null)
    await auth.revokeToken(tokens.access_token!)
    const journal = JSON.stringify(sandbox.google.journal.list())
    expect(journal).toContain('/revoke?token=[hidden]')
    expect(journal).toContain('anna@acme.test')
    for (const secret of [
      back.get('code'),
      tokens.access_token,
      tokens.refresh_token,
      tokens.id_token,
      operator.googleClient.clientSecret,
      'my-own-state',
    ]) {
      expect(secret).toBeTruthy()
      expect(journal).not.toContain(secret)
    }
  })
})
