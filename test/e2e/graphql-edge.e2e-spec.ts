import { getIntrospectionQuery } from 'graphql'
import { parse } from 'node-html-parser'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type ApiApp, openApiApp } from './api-app.js'

const LIMIT = 5

describe('/graphql', () => {
  const { url } = testDatabase()
  let api: ApiApp
  let clientId: string
  let key: string

  beforeAll(async () => {
    api = await openApiApp(url, {
      MANDATE_PUBLIC_URL: 'https://mandate.example.com',
      MANDATE_LIMIT_FAILED_API_KEYS: String(LIMIT),
    })
    clientId = (await asAdmin('/clients', { name: 'Acme' })).client_id
    key = (await makeKey()).key
  })
  afterAll(() => api?.close())

  const asAdmin = async (path: string, payload: object = {}) => {
    const headers = { authorization: `Bearer ${api.adminKey}` }
    const answer = await api.app.inject({ method: 'POST', url: `/admin/v1${path}`, headers, payload })
    if (answer.statusCode >= 300) throw new Error(answer.body)
    return answer.json()
  }
  const makeKey = (more: object = {}): Promise<{ key: string; id: string }> =>
    asAdmin('/keys', { client_id: clientId, scopes: ['oauth-api:query:*'], ...more })

  const post = (
    payload: unknown,
    headers: Record<string, string> = { 'x-api-key': key },
    remoteAddress = '192.0.2.1',
  ) =>
    api.app.inject({
      ...{
        method: 'POST',
        url: '/graphql',
        remoteAddress,
        headers: { 'content-type': 'application/json', ...headers },
      },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    })
  const VERSION = { query: '{ version }' }

  it('answers who shows a key', async () => {
    const answer = await post(VERSION)
    expect([answer.statusCode, answer.json()]).toEqual([200, { data: { version: '1' } }])
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-request-id': expect.stringMatching(/^req_/),
    })
  })

  describe('answers nobody else, not even what the schema is:', () => {
    const refused = async (headers: Record<string, string>) => {
      for (const query of ['{ version }', '{ __typename }', getIntrospectionQuery(), 'nonsense']) {
        const answer = await post({ query }, headers)
        expect([answer.statusCode, answer.json()]).toEqual([
          401,
          { errors: [{ message: expect.any(String), extensions: { code: 'invalid_api_key' } }] },
        ])
        expect(answer.headers['www-authenticate']).toBe('ApiKey header="x-api-key"')
      }
    }

    it('without a key, or with one elsewhere', async () => {
      await refused({})
      await refused({ authorization: `Bearer ${key}` })
      await refused({ 'x-api-key': `${key} ${key}` })
      const inQuery = await api.app.inject({ method: 'POST', url: `/graphql?x-api-key=${key}`, payload: VERSION })
      expect(inQuery.statusCode).toBe(401)
    })

    it('with a revoked key, or one of a disabled client, at once', async () => {
      const revoked = await makeKey()
      expect((await post(VERSION, { 'x-api-key': revoked.key })).statusCode).toBe(200)
      await asAdmin(`/keys/${revoked.id}/revoke`)
      expect((await post(VERSION, { 'x-api-key': revoked.key })).statusCode).toBe(401)

      const other = (await asAdmin('/clients', { name: 'Other' })).client_id
      const theirs = await makeKey({ client_id: other })
      expect((await post(VERSION, { 'x-api-key': theirs.key })).statusCode).toBe(200)
      await asAdmin(`/clients/${other}/disable`)
      expect((await post(VERSION, { 'x-api-key': theirs.key })).statusCode).toBe(401)
    })
  })

  it('holds whoever guesses keys, with GraphQL errors, and lets in who was right before', async () => {
    const at = '198.51.100.4'
    expect((await post(VERSION, { 'x-api-key': key }, at)).statusCode).toBe(200)
    const tries = []
    for (let i = 0; i < LIMIT + 2; i++) tries.push(await post(VERSION, { 'x-api-key': `mandate_${i}` }, at))
    expect(tries.map(({ statusCode }) => statusCode)).toEqual([...Array(LIMIT).fill(401), 429, 429])
    expect(tries.at(-1)!.json()).toMatchObject({ errors: [{ extensions: { code: 'too_many_requests' } }] })
    expect(Number(tries.at(-1)!.headers['retry-after'])).toBeGreaterThan(0)
    expect((await post(VERSION, { 'x-api-key': key }, at)).statusCode).toBe(200)
    expect((await post(VERSION, { 'x-api-key': (await makeKey()).key }, at)).statusCode).toBe(429)
  })

  it('says 400 where nothing ran to who knows GraphQL over HTTP, and 200 to who looks into the errors', async () => {
    const modern = { 'x-api-key': key, accept: 'application/graphql-response+json, application/json;q=0.9' }
    const wrong = { query: '{ versions }' }
    const [plain, known, ran] = [await post(wrong), await post(wrong, modern), await post(VERSION, modern)]
    expect([plain.statusCode, known.statusCode, ran.statusCode]).toEqual([200, 400, 200])
    expect(known.headers['content-type']).toBe('application/graphql-response+json; charset=utf-8')
    expect(known.json()).toEqual(plain.json())
    expect(plain.json()).toEqual({ errors: [expect.objectContaining({ extensions: { code: 'invalid_request' } })] })
  })

  it.each<[what: string, payload: unknown, status: number, says: string]>([
    ['a batch', [VERSION, VERSION], 400, 'batches'],
    ['an empty batch', [], 400, 'batches'],
    ['nothing', '', 400, 'query'],
    ['no document', {}, 400, 'query'],
    ['a document that is none', { query: 7 }, 400, 'query'],
    ['variables that are a list', { ...VERSION, variables: [1] }, 400, 'variables'],
    ['half of JSON', '{"query":', 400, 'JSON'],
    ['poisoned JSON', '{"query":"{ version }","__proto__":{"a":1}}', 400, 'JSON'],
    ['a novel', { query: `{ version } #${'x'.repeat(70_000)}` }, 400, 'characters'],
    ['a library', { query: 'x'.repeat(300_000) }, 413, 'too large'],
  ])('refuses %s as GraphQL refuses', async (_what, payload, status, says) => {
    const answer = await post(payload)
    expect([answer.statusCode, answer.json()]).toEqual([
      status,
      {
        errors: [
          { message: expect.stringContaining(says), extensions: expect.objectContaining({ code: expect.any(String) }) },
        ],
      },
    ])
  })

  it('takes JSON alone, and by POST alone', async () => {
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/graphql']) {
      const answer = await post('query=%7B+version+%7D', { 'x-api-key': key, 'content-type': type })
      expect([type, answer.statusCode, answer.json().errors?.length]).toEqual([type, 415, 1])
    }
    const read = await api.app.inject({ url: '/graphql?query={version}', headers: { 'x-api-key': key } })
    expect(read.statusCode).toBe(404)
  })

  it('looks past what libraries send along', async () => {
    const answer = await post({ ...VERSION, operationName: null, variables: null, extensions: { persistedQuery: {} } })
    expect(answer.json()).toEqual({ data: { version: '1' } })
  })

  it('is not in /openapi.json, which is about REST', async () => {
    expect(
      Object.keys((await api.app.inject('/openapi.json')).json().paths).filter((path) => path.includes('graphql')),
    ).toEqual([])
  })

  it('has a console that holds no secret, loads nothing, and may call this origin alone', async () => {
    const answer = await api.app.inject('/graphql/console')
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(answer.headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'sha256-[^' ]+'; style-src 'sha256-[^' ]+'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    )
    const page = parse(answer.body)
    expect(page.querySelectorAll('link, img, iframe, [src], [href], [style], [onclick]')).toEqual([])
    expect(answer.body).not.toMatch(/https?:\/\/|AuthorizationRequest\b/)
  })
})
