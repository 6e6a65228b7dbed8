import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type Client, type PublicApi, REDIRECT_URI, type ServiceAccount } from './public-api.js'
import { Stage } from './stage.js'

const TOKEN_SHAPE = /^[\w-]{32}$/

describe('POST /oauth/token', () => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let api: PublicApi
  let client: Client
  let rival: Client
  let acme: ServiceAccount
  let states = 0

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl)
    api = stage.api
    client = await api.addClient('Scheduler')
    rival = await api.addClient('Rival')
    acme = await api.authorise(client, 'acme')
  })
  afterAll(() => stage?.close())

  /** A code from a callback about Anna. */
  const code = async () => {
    states += 1
    await stage.ask(acme, { email: 'anna@acme.test', state: `code ${states}` })
    return (await stage.told(`code ${states}`)).code!
  }
  const mailboxTokens = async () => (await api.exchange(client, await code(), stage.callbackUrl)).json
  const credentials = () => ({ client_id: client.id, client_secret: client.secret })
  const asked = async (over: object = {}) => ({
    ...credentials(),
    grant_type: 'authorization_code',
    code: await code(),
    redirect_uri: stage.callbackUrl,
    ...over,
  })
  const post = (parameters: object) => api.call('POST', '/oauth/token', { json: parameters })
  const basic = (id: string, secret: string) => ({
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
  })
  const isLive = async ({ access_token: token }: { access_token: string }) =>
    (await api.call('GET', '/v1/userinfo', { token })).status === 200
  const errorOf = ({ status, json }: { status: number; json: { error: string } }) => `${status} ${json.error}`

  describe('exchanges a code', () => {
    it('of a service account', async () => {
      const returned = await api.consent(client, 'acme')
      const { status, json } = await api.exchange(client, returned.searchParams.get('code')!, REDIRECT_URI)
      expect(status).toBe(200)
      expect(json).toEqual({
        token_type: 'bearer',
        access_token: expect.stringMatching(TOKEN_SHAPE),
        expires_in: 1800,
        refresh_token: expect.stringMatching(TOKEN_SHAPE),
        scope: 'service_account/accounts/manage service_account/resources/manage',
        sub: acme.id,
        service_account_id: acme.id,
      })
      expect(acme.id).toMatch(/^ser_.{24}$/)
    })

    it('of a mailbox, for tokens that no cache may keep', async () => {
      const { status, json, headers } = await post(await asked())
      expect(status).toBe(200)
      expect(headers.get('content-type')).toMatch(/^application\/json/)
      expect([headers.get('cache-control'), headers.get('pragma')]).toEqual(['no-store', 'no-cache'])
      expect(json).toEqual({
        token_type: 'bearer',
        access_token: expect.stringMatching(TOKEN_SHAPE),
        expires_in: 3600,
        refresh_token: expect.stringMatching(TOKEN_SHAPE),
        scope: 'read_only',
        account_id: expect.stringMatching(/^acc_.{24}$/),
        sub: json.account_id,
        linking_profile: {
          provider_name: 'google',
          provider_service: 'gsuite',
          profile_id: expect.stringMatching(/^pro_/),
          profile_name: 'anna@acme.test',
        },
      })
    })

    it('from a form as from JSON', async () => {
      expect((await api.call('POST', '/oauth/token', { form: await asked() })).status).toBe(200)
    })

    it('with the client in a Basic header', async () => {
      const { client_id: id, client_secret: secret, ...form } = await asked()
      expect((await api.call('POST', '/oauth/token', { form, headers: basic(id, secret) })).status).toBe(200)
    })

    it('with callback_url in place of redirect_uri, or with both the same', async () => {
      const callback_url = stage.callbackUrl
      expect((await post(await asked({ redirect_uri: undefined, callback_url }))).status).toBe(200)
      expect((await post(await asked({ callback_url }))).status).toBe(200)
    })

    it.each(['Bearer undefined', 'Bearer None', 'Bearer null'])('beside the header “%s” of an SDK', async (header) => {
      const headers = { authorization: header }
      expect((await api.call('POST', '/oauth/token', { json: await asked(), headers })).status).toBe(200)
    })

    it('beside a stale refresh token, and parameters that nobody knows', async () => {
      expect((await post(await asked({ refresh_token: 'stale', resource: 'x', scope: 'root' }))).status).toBe(200)
    })
  })

  describe('refuses', () => {
    it.each<[what: string, over: object, refusal: string]>([
      ['a code that is none', { code: 'x'.repeat(32) }, '400 invalid_grant'],
      ['a code for another callback URL', { redirect_uri: 'https://elsewhere.test/' }, '400 invalid_grant'],
      ['no code', { code: undefined }, '400 invalid_request'],
      ['an empty code', { code: '' }, '400 invalid_request'],
      ['a list of codes', { code: ['a', 'b'] }, '400 invalid_request'],
      ['a code with NUL', { code: 'a\0' }, '400 invalid_request'],
      ['no redirect_uri', { redirect_uri: undefined }, '400 invalid_request'],
      ['two different URLs', { callback_url: 'https://elsewhere.test/' }, '400 invalid_request'],
      ['no grant type', { grant_type: undefined }, '400 invalid_request'],
      ['a grant type that it does not know', { grant_type: 'password' }, '400 unsupported_grant_type'],
      ['a grant type by the name of a built-in', { grant_type: 'constructor' }, '400 unsupported_grant_type'],
      ['a wrong secret', { client_secret: 'wrong' }, '401 invalid_client'],
      ['no secret', { client_secret: undefined }, '401 invalid_client'],
      ['an unknown client', { client_id: 'cli_000000000000000000000000' }, '401 invalid_client'],
      ['a client id with NUL', { client_id: 'cli_\0' }, '400 invalid_request'],
      ['a number for the client', { client_id: 7 }, '400 invalid_request'],
    ])('%s, and leaves the code good', async (_what, over, refusal) => {
      const good = await asked()
      const answer = await post({ ...good, ...over })
      expect(errorOf(answer)).toBe(refusal)
      expect(answer.json.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect((await post(good)).status).toBe(200)
    })

    it('a parameter given twice in a form (RFC 6749 section 3.2)', async () => {
      const form = new URLSearchParams(await asked())
      form.append('code', 'other')
      expect(errorOf(await api.call('POST', '/oauth/token', { form }))).toBe('400 invalid_request')
    })

    it('two ways of client authentication at once', async () => {
      const headers = basic(client.id, client.secret)
      const answer = await api.call('POST', '/oauth/token', { json: await asked(), headers })
      expect(errorOf(answer)).toBe('400 invalid_request')
    })

    it.each([
      ['a wrong secret', () => basic(client.id, 'wrong')],
      ['a client id with NUL', () => basic('cli_\0', 'x')],
      ['broken percent signs', () => ({ authorization: `Basic ${Buffer.from('%zz:%zz').toString('base64')}` })],
      ['no colon', () => ({ authorization: `Basic ${Buffer.from('nothing').toString('base64')}` })],
      [
        'bytes that are no text',
        () => ({ authorization: `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString('base64')}` }),
      ],
    ])('a Basic header with %s', async (_what, headers) => {
      const { client_id: _, client_secret: __, ...form } = await asked()
      const answer = await api.call('POST', '/oauth/token', { form, headers: headers() })
      expect(errorOf(answer)).toBe('401 invalid_client')
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic/)
    })

    it.each(['{"grant_type":', '[]', '"x"', 'null'])('the body %s', async (json) => {
      expect(errorOf(await api.call('POST', '/oauth/token', { json }))).toBe('400 invalid_request')
    })

    it('a client that has been disabled', async () => {
      const short = await api.addClient('Short')
      await api.disable(short)
      expect(errorOf(await api.refresh(short, 'x'))).toBe('401 invalid_client')
    })
  })

  describe('lets a code be used once:', () => {
    it('its second use ends what the first one got', async () => {
      const form = await asked()
      const first = (await post(form)).json
      expect(await isLive(first)).toBe(true)
      expect(errorOf(await post(form))).toBe('400 invalid_grant')
      expect(await isLive(first)).toBe(false)
      expect(errorOf(await api.refresh(client, first.refresh_token))).toBe('400 invalid_grant')
    })

    it('of ten uses at once one wins at most, and what it got is ended', async () => {
      const form = await asked()
      const answers = await Promise.all(Array.from({ length: 10 }, () => post(form)))
      const won = answers.filter(({ status }) => status === 200)
      expect(won).toHaveLength(1)
      expect(await isLive(won[0]!.json)).toBe(false)
    })

    it('another client’s attempt neither works nor burns it, before and after its use', async () => {
      const stolen = await code()
      expect(errorOf(await api.exchange(rival, stolen, stage.callbackUrl))).toBe('400 invalid_grant')
      const tokens = (await api.exchange(client, stolen, stage.callbackUrl)).json
      expect(errorOf(await api.exchange(rival, stolen, stage.callbackUrl))).toBe('400 invalid_grant')
      expect(await isLive(tokens)).toBe(true)
    })
  })

  describe('rotates a refresh token:', () => {
    it('the new pair works, and says the same of its owner', async () => {
      const tokens = await mailboxTokens()
      const { status, json } = await api.refresh(client, tokens.refresh_token)
      expect(status).toBe(200)
      expect(json).toMatchObject({ sub: tokens.sub, scope: tokens.scope, linking_profile: tokens.linking_profile })
      expect(json.refresh_token).not.toBe(tokens.refresh_token)
      expect(await isLive(json)).toBe(true)
      expect(await isLive(tokens)).toBe(true)
    })

    it('the one before may be used once more, for a client whose answer was lost', async () => {
      const { refresh_token: old } = await mailboxTokens()
      const lost = (await api.refresh(client, old)).json
      const again = (await api.refresh(client, old)).json
      expect(await isLive(again)).toBe(true)
      expect((await api.refresh(client, again.refresh_token)).status).toBe(200)
      expect(await isLive(lost)).toBe(true)
    })

    it('one that is older by two ends everything', async () => {
      const { refresh_token: oldest } = await mailboxTokens()
      const second = (await api.refresh(client, oldest)).json
      const third = (await api.refresh(client, second.refresh_token)).json
      expect(errorOf(await api.refresh(client, oldest))).toBe('400 invalid_grant')
      expect([await isLive(second), await isLive(third)]).toEqual([false, false])
      expect(errorOf(await api.refresh(client, third.refresh_token))).toBe('400 invalid_grant')
    })

    it('ten at once all get a working pair', async () => {
      const { refresh_token } = await mailboxTokens()
      const answers = await Promise.all(Array.from({ length: 10 }, () => api.refresh(client, refresh_token)))
      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
      for (const { json } of answers) expect(await isLive(json)).toBe(true)
    })

    it('another client cannot use it, nor end it', async () => {
      const { refresh_token } = await mailboxTokens()
      expect(errorOf(await api.refresh(rival, refresh_token))).toBe('400 invalid_grant')
      expect((await api.refresh(client, refresh_token)).status).toBe(200)
    })

    it('an access token is none, and neither is nothing', async () => {
      const { access_token } = await mailboxTokens()
      expect(errorOf(await api.refresh(client, access_token))).toBe('400 invalid_grant')
      expect(errorOf(await post({ ...credentials(), grant_type: 'refresh_token' }))).toBe('400 invalid_request')
      expect(await isLive({ access_token })).toBe(true)
    })
  })

  it('writes no secret into the log', async () => {
    await api.revoke(client, { token: (await mailboxTokens()).access_token })
    const lines = stage.logged.join('\n')
    expect(lines).toContain('"msg":"tokens.issued"')
    expect(stage.secrets().length).toBeGreaterThan(100)
    for (const secret of stage.secrets()) expect(lines).not.toContain(secret)
  })
})
