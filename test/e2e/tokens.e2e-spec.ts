import pg from 'pg'
import type { Secret } from '#platform/secrets/secret.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type Client, type PublicApi, REDIRECT_URI, type ServiceAccount } from './public-api.js'
import { Stage } from './stage.js'

const TOKEN_SHAPE = /^[\w-]{32}$/
const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

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
    let good: Awaited<ReturnType<typeof asked>>
    beforeAll(async () => {
      good = await asked()
    })

    it.each<[what: string, over: object, refusal: string]>([
      ['a code that is none', { code: 'x'.repeat(32) }, '400 invalid_grant'],
      ['a code for another callback URL', { redirect_uri: 'https://elsewhere.test/' }, '400 invalid_grant'],
      ['no code', { code: undefined }, '400 invalid_request'],
      ['an empty code', { code: '' }, '400 invalid_request'],
      ['a list of codes', { code: ['a', 'b'] }, '400 invalid_request'],
      ['a code with NUL', { code: 'a\0' }, '400 invalid_request'],
      ['a verifier for a code without a challenge', { code_verifier: 'v'.repeat(43) }, '400 invalid_grant'],
      ['a verifier that is too short', { code_verifier: 'v'.repeat(42) }, '400 invalid_request'],
      ['a verifier that is too long', { code_verifier: 'v'.repeat(129) }, '400 invalid_request'],
      ['a verifier with other characters', { code_verifier: `${'v'.repeat(43)}+` }, '400 invalid_request'],
      ['a code that is as long as a book', { code: 'x'.repeat(5000) }, '400 invalid_request'],
      ['a code with a lone surrogate', { code: '\ud800' }, '400 invalid_request'],
      ['an object for a code', { code: { a: 'b' } }, '400 invalid_request'],
      ['no redirect_uri', { redirect_uri: undefined }, '400 invalid_request'],
      ['two different URLs', { callback_url: 'https://elsewhere.test/' }, '400 invalid_request'],
      ['no grant type', { grant_type: undefined }, '400 invalid_request'],
      ['a grant type that it does not know', { grant_type: 'password' }, '400 unsupported_grant_type'],
      ['a grant type in capitals', { grant_type: 'AUTHORIZATION_CODE' }, '400 unsupported_grant_type'],
      ['an empty grant type', { grant_type: '' }, '400 invalid_request'],
      ['a list of grant types', { grant_type: ['authorization_code'] }, '400 invalid_request'],
      ['a grant type by the name of a built-in', { grant_type: 'constructor' }, '400 unsupported_grant_type'],
      ['a wrong secret', { client_secret: 'wrong' }, '401 invalid_client'],
      ['a wrong secret and no code', { client_secret: 'wrong', code: undefined }, '401 invalid_client'],
      ['a wrong secret and no known grant type', { client_secret: 'wrong', grant_type: 'x' }, '401 invalid_client'],
      ['no secret', { client_secret: undefined }, '401 invalid_client'],
      ['an unknown client', { client_id: 'cli_000000000000000000000000' }, '401 invalid_client'],
      ['a client id with NUL', { client_id: 'cli_\0' }, '400 invalid_request'],
      ['an empty client id', { client_id: '' }, '401 invalid_client'],
      [
        'an assertion in place of a secret',
        { client_secret: undefined, client_assertion: 'a.b.c' },
        '401 invalid_client',
      ],
      ['an assertion beside a secret', { client_assertion: 'a.b.c' }, '400 invalid_request'],
      ['a number for the client', { client_id: 7 }, '400 invalid_request'],
    ])('%s', async (_what, over, refusal) => {
      const answer = await post({ ...good, ...over })
      expect(errorOf(answer)).toBe(refusal)
      expect(answer.json.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
      expect(answer.headers.get('cache-control')).toBe('no-store')
    })

    // RFC 6749 sections 2.3.1 and 3.2.
    it.each<[what: string, query: string, more: [string, string][]]>([
      ['twice in a form', '', [['code', 'other']]],
      [
        'twice in a form, also one that nobody knows',
        '',
        [
          ['x', '1'],
          ['x', '1'],
        ],
      ],
      ['as an array', '', [['code[]', 'other']]],
      ['as an object', '', [['client_secret[a]', 'other']]],
      ['in the URL too', '?code=other', []],
    ])('a parameter given %s', async (_what, query, more) => {
      const form = new URLSearchParams([...Object.entries(good), ...more])
      expect(errorOf(await api.call('POST', `/oauth/token${query}`, { form }))).toBe('400 invalid_request')
    })

    it('two ways of client authentication at once', async () => {
      const headers = basic(client.id, client.secret)
      expect(errorOf(await api.call('POST', '/oauth/token', { json: good, headers }))).toBe('400 invalid_request')
    })

    it.each([
      ['a wrong secret', () => basic(client.id, 'wrong')],
      ['a client id with NUL', () => basic('cli_\0', 'x')],
      ['broken percent signs', () => ({ authorization: `Basic ${Buffer.from('%zz:%zz').toString('base64')}` })],
      ['nothing', () => ({ authorization: 'Basic' })],
      ['no colon', () => ({ authorization: `Basic ${Buffer.from('nothing').toString('base64')}` })],
      [
        'bytes that are no text',
        () => ({ authorization: `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString('base64')}` }),
      ],
    ])('a Basic header with %s', async (_what, headers) => {
      const { client_id: _, client_secret: __, ...form } = good
      const answer = await api.call('POST', '/oauth/token', { form, headers: headers() })
      expect(errorOf(answer)).toBe('401 invalid_client')
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic/)
    })

    it('none of this for good: the code that was in it still works', async () => {
      expect((await post(good)).status).toBe(200)
    })

    const deep = `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`
    it.each<[what: string, type: string | null, body: string, refusal: string]>([
      ...['{"grant_type":', '[]', '"x"', 'null', '7', '', '{}', '{"__proto__":{"code":"x"}}', deep].map(
        (body): [string, string, string, string] => [
          `JSON ${body.slice(0, 30)}`,
          JSON_TYPE,
          body,
          '400 invalid_request',
        ],
      ),
      ...['', '&&&', '=', '%', 'grant_type', 'grant_type=%00', 'grant_type=%ff%fe'].map(
        (body): [string, string, string, string] => [
          `the form “${body}”`,
          FORM_TYPE,
          body,
          expect.stringMatching(/^40[01] /),
        ],
      ),
      ['a form that says it is JSON', JSON_TYPE, 'grant_type=authorization_code', '400 invalid_request'],
      ['JSON that says it is a form', FORM_TYPE, '{"grant_type":"authorization_code"}', '400 invalid_request'],
      ['XML', 'application/xml', '<code/>', '415 invalid_request'],
      ['no type', null, 'grant_type=authorization_code', '415 invalid_request'],
      ['a type that is none', 'x', '{}', '415 invalid_request'],
      ['more than it reads', JSON_TYPE, `{"code":"${'x'.repeat(300_000)}"}`, '413 invalid_request'],
    ])('the body: %s', async (_what, type, body, refusal) => {
      const headers: Record<string, string> = type === null ? {} : { 'content-type': type }
      const answer = await fetch(`${api.url}/oauth/token`, { method: 'POST', headers, body: Buffer.from(body) })
      expect(errorOf({ status: answer.status, json: (await answer.json()) as { error: string } })).toEqual(refusal)
    })

    it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('the method %s, from whichever origin', async (method) => {
      const answer = await api.call(method, '/oauth/token', { headers: { origin: 'https://evil.test' } })
      expect(answer.status).toBe(404)
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
    })

    it('an unknown client, a disabled one and a wrong secret in the same words', async () => {
      const disabled = await api.addClient('Disabled')
      await api.disable(disabled)
      const refusals = await Promise.all(
        [
          { client_id: 'cli_000000000000000000000000', client_secret: client.secret },
          { client_id: client.id, client_secret: rival.secret },
          { client_id: client.id, client_secret: `${client.secret} ` },
          { client_id: disabled.id, client_secret: disabled.secret },
        ].map(async (by) => {
          const { status, text, headers } = await post({ ...by, grant_type: 'refresh_token', refresh_token: 'x' })
          const said = [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name))
          return JSON.stringify({ status, text, said })
        }),
      )
      expect(new Set(refusals).size).toBe(1)
      expect(refusals[0]).toContain('invalid_client')
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

    it('a wrong secret, URL or verifier beside a used code ends nothing', async () => {
      const form = await asked()
      const tokens = (await post(form)).json
      expect(errorOf(await post({ ...form, client_secret: 'wrong' }))).toBe('401 invalid_client')
      expect(errorOf(await post({ ...form, redirect_uri: `${stage.callbackUrl}&` }))).toBe('400 invalid_grant')
      expect(errorOf(await post({ ...form, code_verifier: 'v'.repeat(43) }))).toBe('400 invalid_grant')
      expect(await isLive(tokens)).toBe(true)
    })

    it('of fifty uses at once at two APIs one wins, and what it got is ended', async () => {
      const beside = await stage.openBeside()
      const form = await asked()
      const at = (i: number) => (i % 2 ? api : beside).call('POST', '/oauth/token', { json: form })
      const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => at(i)))
      const [won, ...more] = answers.filter(({ status }) => status === 200)
      expect(more).toEqual([])
      expect(answers.filter((answer) => answer !== won).map(errorOf)).toEqual(Array(49).fill('400 invalid_grant'))
      expect(await isLive(won!.json)).toBe(false)
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

    it('for less, when less is asked for, and never for more', async () => {
      const { refresh_token } = await mailboxTokens()
      const refresh = (scope: string) => post({ ...credentials(), grant_type: 'refresh_token', refresh_token, scope })
      expect(errorOf(await refresh('read_write'))).toBe('400 invalid_scope')
      const { json } = await refresh('free_busy')
      expect(json.scope).toBe('free_busy')
      const told = await api.call('GET', '/v1/account', { token: json.access_token })
      expect(told.json.account.scope).toBe('free_busy')
      const events = '/v1/proxy/google/calendar/v3/calendars/primary/events'
      expect((await api.call('GET', events, { token: json.access_token })).status).toBe(403)
      expect((await api.refresh(client, json.refresh_token)).json.scope).toBe('read_only')
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

  describe('an access token', () => {
    it.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('is taken after “%s”', async (scheme) => {
      const headers = { authorization: `${scheme} ${acme.accessToken}` }
      expect((await api.call('GET', '/v1/userinfo', { headers })).status).toBe(200)
    })

    it.each<[where: string, path: (token: string) => string, headers: (token: string) => Record<string, string>]>([
      ['in the URL', (token) => `?access_token=${token}`, () => ({})],
      ['after another scheme', () => '', (token) => ({ authorization: `Basic ${token}` })],
      ['without a scheme', () => '', (token) => ({ authorization: token })],
      ['twice', () => '', (token) => ({ authorization: `Bearer ${token}, Bearer ${token}` })],
    ])('is none %s', async (_where, path, headers) => {
      const { accessToken } = acme
      const answer = await api.call('GET', `/v1/userinfo${path(accessToken)}`, { headers: headers(accessToken) })
      expect(errorOf(answer)).toBe('401 invalid_token')
    })
  })

  it('takes no refresh token for an access token', async () => {
    expect(await isLive({ access_token: (await mailboxTokens()).refresh_token })).toBe(false)
  })

  it('keeps nothing in the database that its holder could present, in whatever spelling', async () => {
    await mailboxTokens()
    const tables = await contentsOf(databaseUrl)
    expect(tables).toContain(client.id)
    expect(stage.secrets().length).toBeGreaterThan(100)
    const spellings = stage
      .secrets()
      .flatMap((secret) => [
        secret,
        Buffer.from(secret).toString('hex'),
        ...[0, 1, 2].map((shift) => base64Core(secret, shift)),
        Buffer.from(secret, 'base64url').toString('hex'),
        encodeURIComponent(secret),
      ])
    expect(spellings.filter((spelling) => spelling.length >= 16 && tables.includes(spelling))).toEqual([])
  })

  it('writes no secret into the log', async () => {
    await api.revoke(client, { token: (await mailboxTokens()).access_token })
    const lines = stage.logged.join('\n')
    expect(lines).toContain('"msg":"tokens.issued"')
    expect(stage.secrets().length).toBeGreaterThan(100)
    for (const secret of stage.secrets()) expect(lines).not.toContain(secret)
  })
})

/** Every row of every table, the queue's included, as text. */
async function contentsOf(databaseUrl: Secret<string>): Promise<string> {
  const database = new pg.Client({ connectionString: databaseUrl.reveal() })
  await database.connect()
  const { rows: tables } = await database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  const contents: string[] = []
  for (const { name } of tables) {
    const { rows } = await database.query<{ row: string }>(`select t::text as row from ${name} t`)
    contents.push(...rows.map(({ row }) => row))
  }
  await database.end()
  return contents.join('\n')
}

/** What base64 makes of a value that begins at the nth byte of a group of three, without the ends that its neighbours share. */
const base64Core = (value: string, shift: number) =>
  Buffer.from(' '.repeat(shift) + value)
    .toString('base64')
    .replace(/=*$/, '')
    .slice(shift === 0 ? 0 : 4, -2)
