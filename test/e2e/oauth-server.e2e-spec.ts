import { createHash, randomBytes } from 'node:crypto'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type Client, type PublicApi, REDIRECT_URI, type ServiceAccount } from './public-api.js'
import { Stage } from './stage.js'

const RACES = 32

describe('the OAuth server', () => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let api: PublicApi
  let beside: PublicApi
  let client: Client
  let rival: Client
  let acme: ServiceAccount
  let states = 0

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl, { mailboxes: RACES })
    api = stage.api
    beside = await stage.openBeside()
    client = await api.addClient('Scheduler')
    rival = await api.addClient('Rival')
    acme = await api.authorise(client, 'acme')
  })
  afterAll(() => stage?.close())

  const mailboxTokens = async () => {
    states += 1
    await stage.ask(acme, { email: 'anna@acme.test', state: `code ${states}` })
    const { code = '' } = await stage.told(`code ${states}`)
    return (await api.exchange(client, code, stage.callbackUrl)).json
  }
  const credentialsOf = ({ id, secret }: Client) => ({ client_id: id, client_secret: secret })
  const introspect = (token: string, by = client) =>
    api.call('POST', '/oauth/introspect', { form: { ...credentialsOf(by), token } })
  const isLive = async ({ access_token: token }: { access_token: string }, at = api) =>
    (await at.call('GET', '/v1/userinfo', { token })).status === 200
  const errorOf = ({ status, json }: { status: number; json: { error: string } }) => `${status} ${json.error}`

  describe('with a code challenge', () => {
    const code_verifier = randomBytes(48).toString('base64url')
    const challenge = createHash('sha256').update(code_verifier).digest('base64url')

    it('gives the code to nobody without the verifier, through the consent and to the token', async () => {
      const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
      const code = (await api.consent(client, 'acme', pkce)).searchParams.get('code') ?? ''
      const form = { ...credentialsOf(client), grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI }
      const exchange = (more: object) => api.call('POST', '/oauth/token', { form: { ...form, ...more } })

      expect(errorOf(await exchange({}))).toBe('400 invalid_grant')
      expect(errorOf(await exchange({ code_verifier: challenge }))).toBe('400 invalid_grant')
      expect(errorOf(await exchange({ code_verifier: 'short' }))).toBe('400 invalid_request')
      const { status, json } = await exchange({ code_verifier })
      expect([status, json.service_account_id]).toEqual([200, acme.id])

      expect(errorOf(await exchange({ code_verifier: challenge }))).toBe('400 invalid_grant')
      expect(await isLive(json)).toBe(true)
      expect(errorOf(await exchange({ code_verifier }))).toBe('400 invalid_grant')
      expect(await isLive(json)).toBe(false)
    })
  })

  describe('POST /oauth/introspect', () => {
    it('says what an access token and a refresh token are good for', async () => {
      const before = Math.floor(Date.now() / 1000)
      const tokens = await mailboxTokens()
      const shared = { active: true, client_id: client.id, sub: tokens.sub, scope: 'read_only', iss: api.url }
      const { status, headers, json } = await introspect(tokens.access_token)

      expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
      expect(json).toEqual({ ...shared, token_type: 'bearer', iat: expect.any(Number), exp: json.iat + 3600 })
      expect(json.iat).toBeGreaterThanOrEqual(before)
      const ofRefresh = (await introspect(tokens.refresh_token)).json
      const days = 24 * 3600
      expect(ofRefresh).toEqual({
        ...shared,
        ...{ token_type: 'refresh_token', iat: json.iat, exp: json.iat + 365 * days },
      })
      expect((await introspect(acme.accessToken)).json).toMatchObject({ sub: acme.id, token_type: 'bearer' })
    })

    it('says nothing else of a token that is unknown, revoked or another client’s', async () => {
      const { access_token, refresh_token } = await mailboxTokens()
      const inactive = { status: 200, text: '{"active":false}' }
      for (const token of [access_token, refresh_token]) expect(await introspect(token, rival)).toMatchObject(inactive)
      for (const token of ['x', 'x'.repeat(32), client.secret]) expect(await introspect(token)).toMatchObject(inactive)
      await api.revoke(client, { token: access_token })
      for (const token of [access_token, refresh_token]) expect(await introspect(token)).toMatchObject(inactive)
    })

    it.each<[string, Record<string, string>, string]>([
      ['no token', {}, '400 invalid_request'],
      ['an empty token', { token: '' }, '400 invalid_request'],
      ['a token with NUL', { token: 'a\0' }, '400 invalid_request'],
      ['a list of tokens', { 'token[]': 'a' }, '400 invalid_request'],
      ['a wrong secret', { token: 'x', client_secret: 'wrong' }, '401 invalid_client'],
    ])('refuses %s', async (_what, over, refusal) => {
      const form = { ...credentialsOf(client), ...over }
      expect(errorOf(await api.call('POST', '/oauth/introspect', { form }))).toBe(refusal)
    })

    it('asks who is calling, and an access token is nobody', async () => {
      const form = { token: acme.accessToken }
      const answer = await api.call('POST', '/oauth/introspect', { form, token: acme.accessToken })
      expect(errorOf(answer)).toBe('401 invalid_client')
    })
  })

  describe('POST /oauth/revoke', () => {
    it.each(['access_token', 'refresh_token', 'nonsense'])('ends a token whatever its hint: %s', async (hint) => {
      const tokens = await mailboxTokens()
      const form = { ...credentialsOf(client), token: tokens.access_token, token_type_hint: hint }
      for (const _again of [1, 2]) {
        const { status, text } = await api.call('POST', '/oauth/revoke', { form })
        expect([status, text]).toEqual([200, ''])
      }
      expect(await isLive(tokens)).toBe(false)
      expect(errorOf(await api.refresh(client, tokens.refresh_token))).toBe('400 invalid_grant')
    })

    it('answers 200 and ends nothing for another client', async () => {
      const tokens = await mailboxTokens()
      const form = { ...credentialsOf(rival), token: tokens.refresh_token }
      expect((await api.call('POST', '/oauth/revoke', { form })).status).toBe(200)
      expect(await isLive(tokens)).toBe(true)
    })

    it('has ended everything at every API by the time that it answers', async () => {
      const asked = Array.from({ length: RACES }, (_, i) => {
        return { email: `user${String(i + 1).padStart(5, '0')}@acme.test`, state: `race ${i}` }
      })
      await stage.ask(acme, ...asked)
      const race = async (i: number) => {
        const { code = '' } = await stage.told(`race ${i}`)
        const tokens = (await api.exchange(client, code, stage.callbackUrl)).json
        const [here, there] = i % 2 ? [api, beside] : [beside, api]
        // Refreshes under way at the other API must not leave a token that lives on.
        const racing = [1, 2, 3].map(() => there.refresh(client, tokens.refresh_token))
        await here.revoke(client, { token: tokens.access_token })
        expect(await isLive(tokens, there)).toBe(false)
        for (const { status, json } of await Promise.all(racing)) {
          if (status !== 200) continue
          expect(await isLive(json, there)).toBe(false)
          expect(errorOf(await there.refresh(client, json.refresh_token))).toBe('400 invalid_grant')
        }
      }
      // Eight at a time: more would only wait for the same two processors.
      const left = [...asked.keys()]
      const lane = async () => {
        for (let i = left.pop(); i !== undefined; i = left.pop()) await race(i)
      }
      await Promise.all(Array.from({ length: 8 }, lane))
    })
  })

  describe('GET /.well-known/oauth-authorization-server', () => {
    const metadata = async (headers = {}) =>
      (await api.call('GET', '/.well-known/oauth-authorization-server', { headers })).json

    it('names the configured issuer, whatever the request calls it', async () => {
      const forged = { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https', forwarded: 'host=evil.test' }
      expect((await metadata(forged)).issuer).toBe(api.url)
      expect(JSON.stringify(await metadata(forged))).not.toContain('evil')
      expect(await metadata(forged)).toEqual(await metadata())
    })

    it('lists endpoints that answer, and nothing that does not work', async () => {
      const listed = await metadata()
      const refusals: Record<string, [method: string, expected: string | number]> = {
        authorization_endpoint: ['GET', 400],
        token_endpoint: ['POST', '400 invalid_request'],
        revocation_endpoint: ['POST', '401 invalid_client'],
        introspection_endpoint: ['POST', '400 invalid_request'],
      }
      const endpoints = Object.keys(listed).filter((name) => name.endsWith('_endpoint'))
      expect(endpoints.sort()).toEqual(Object.keys(refusals).sort())
      for (const [name, [method, expected]] of Object.entries(refusals)) {
        const answer = await api.call(method, listed[name].slice(api.url.length))
        expect([name, answer.json ? errorOf(answer) : answer.status]).toEqual([name, expected])
      }

      const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
      const grantTypes = ['authorization_code', 'refresh_token', tokenExchange, 'client_credentials', 'password']
      const known = []
      for (const grant_type of grantTypes) {
        const { json } = await api.call('POST', '/oauth/token', { form: { ...credentialsOf(client), grant_type } })
        if (json.error !== 'unsupported_grant_type') known.push(grant_type)
      }
      expect(listed.grant_types_supported).toEqual(known)
      expect(listed.code_challenge_methods_supported).toEqual(['S256'])
      expect(listed.authorization_response_iss_parameter_supported).toBe(true)
      for (const endpoint of ['token', 'revocation', 'introspection'])
        expect(listed[`${endpoint}_endpoint_auth_methods_supported`]).toEqual([
          'client_secret_basic',
          'client_secret_post',
        ])
    })

    it('lists scopes that may be asked for', async () => {
      const { scopes_supported, authorization_endpoint } = await metadata()
      for (const scope of scopes_supported) {
        const query = new URLSearchParams({
          ...{ response_type: 'code', client_id: client.id, redirect_uri: REDIRECT_URI },
          ...{ scope, delegated_scope: 'read_only', code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' },
        })
        const answer = await fetch(`${authorization_endpoint}?${query}`, { redirect: 'manual' })
        // The scopes of a service account are an administrator's to give, all others the person's own.
        const leadsTo = scope.startsWith('service_account/')
          ? `/enterprise_connect/oauth/authorize?${query}`
          : expect.stringMatching(/^\/oauth\/connect\/sig_/)
        expect([scope, answer.headers.get('location')]).toEqual([scope, leadsTo])
      }
    })
  })
})
