import { generateKeyPairSync } from 'node:crypto'
import { Agent, request as httpRequest } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import type { OpenApiDocument } from '#platform/http/openapi/openapi-document.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { GRAPHQL, type HostileRequest, hostileRequests, type Loot, requestsWithNul } from './hostile-requests.js'
import { REDIRECT_URI } from './public-api.js'
import { Stage } from './stage.js'
import { signUserToken } from './user-token.js'

const AT_ONCE = 16
/** The same requests in every run, so that no build fails by chance. Whoever looks for more trouble changes it. */
const SEED = 20_261_122

/** Bodies as large as they may be, made of what a parser or a schema may choke on. */
const LARGEST = 256 * 1024 - 64
const filled = (part: string, around: [string, string] = ['', '']) =>
  around[0] + part.repeat(Math.floor((LARGEST - around.join('').length) / part.length)) + around[1]
const DEAR_BODIES: [what: string, body: string, type?: string][] = [
  ['nested arrays', '['.repeat(LARGEST / 2) + ']'.repeat(LARGEST / 2)],
  ['nested objects', `${'{"a":'.repeat(LARGEST / 6)}1${'}'.repeat(LARGEST / 6)}`],
  ['many keys', `{${Array.from({ length: LARGEST / 12 }, (_, n) => `"k${n}":1`)}}`],
  ['one key again and again', filled('"a":1,', ['{', '"b":1}'])],
  ['prototype keys', filled('"__proto__":{},', ['{', '"b":1}'])],
  ['a number of many digits', filled('9', ['{"email":', '}'])],
  ['a text of escapes', filled('\\u0000', ['{"email":"', '","client_id":"x","name":"x"}'])],
  ['a long name', filled('a', ['{"client_id":"x","client_secret":"', '","grant_type":"x","name":"x"}'])],
  ['a long list', filled('{},', ['{"service_account_authorizations":[', '{}]}'])],
  ['a long list of URLs', filled('"https://a.test/",', ['{"name":"x","redirect_uris":[', '"b"]}'])],
  ['a list of scopes', filled('"read_only",', ['{"scope":[', '"x"],"email":"a@b.test"}'])],
  ['a document of braces', filled('{ a ', ['{"query":"', '"}'])],
  ['a document of fragments', filled('{...a}fragment a on Query', ['{"query":"', '{b}"}'])],
  ['cut off', filled(' ', ['{"email":"a', ''])],
  ['many fields', filled('a=1&'), 'application/x-www-form-urlencoded'],
  [
    'many names',
    Array.from({ length: LARGEST / 10 }, (_, n) => `a${n}=1`).join('&'),
    'application/x-www-form-urlencoded',
  ],
  ['many escapes', filled('%41'), 'application/x-www-form-urlencoded'],
  ['nested names', filled('[a]', ['a', '=1']), 'application/x-www-form-urlencoded'],
]

interface Answer {
  status: number
  type: string
  headers: Record<string, string | string[] | undefined>
  locations: number
  text: string
}

describe('every route of /openapi.json, and GraphQL', () => {
  const { url: databaseUrl } = testDatabase()
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  let stage: Stage
  let document: OpenApiDocument
  let loot: Loot
  const schemas = new Map<string, ValidateFunction>()
  const ajv = new Ajv2020({ strict: false })

  beforeAll(async () => {
    addFormats.default(ajv)
    const unlimited = ['FAILED_CLIENTS', 'FAILED_ADMIN_KEYS', 'FAILED_API_KEYS', 'AUTHORIZATIONS'].map((name) => [
      `MANDATE_LIMIT_${name}`,
      '999999',
    ])
    stage = await Stage.open(databaseUrl, {
      settings: { ...Object.fromEntries(unlimited), MANDATE_LOG_LEVEL: 'error' },
    })
    const client = await stage.api.addClient('Scheduler')
    const spare = await stage.api.addClient('Spare')
    await stage.api.asAdmin('PUT', `/admin/v1/clients/${client.id}/provider_tokens`, { json: { allowed: true } })
    const acme = await stage.api.authorise(client, 'acme', { delegated_scope: 'read_write' })
    const [requestId] = await stage.ask(acme, { email: 'anna@acme.test', state: 'first', scope: 'read_write' })
    const { code = '' } = await stage.told('first')
    const { json } = await stage.api.exchange(client, code, stage.callbackUrl)
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: client.id,
      redirect_uri: REDIRECT_URI,
      scope: 'service_account/accounts/manage',
      delegated_scope: 'read_only',
    })
    const begun = await stage.api.call('GET', `/enterprise_connect/oauth/authorize?${query}`)
    const scopes = ['oauth-api:query:*', 'oauth-api:mutation:*']
    const { json: made } = await stage.api.asAdmin('POST', '/admin/v1/keys', { json: { client_id: client.id, scopes } })
    const apiKey: string = made.key
    const ofUsers = await stage.api.asAdmin('POST', `/admin/v1/clients/${client.id}/user_token_secrets`)
    const signer = { clientId: client.id, secret: ofUsers.json.user_token_secret, audience: stage.api.url }
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    loot = {
      accessToken: acme.accessToken,
      mailboxToken: json.access_token,
      adminKey: stage.api.adminKey,
      apiKey,
      userToken: await signUserToken(signer, 'user-1'),
      client,
      files: {
        jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a' }] },
        key_file: stage.operator.googleKeyFile,
      },
      cookie: begun.headers.getSetCookie()[0]!.split(';')[0]!,
      ids: {
        '/v1/service_account': requestId!,
        '/admin/v1/clients': spare.id,
        '/admin/v1/keys': made.id,
        '/enterprise_connect/consents': begun.headers.get('location')!.split('/').at(-1)!,
        '/enterprise_connect/oauth/return': 'google',
        '/v1/proxy/google': 'calendar/v3/calendars/primary/events',
        '/v1/proxy/microsoft': 'v1.0/me/events',
      },
      callbackUrl: stage.callbackUrl,
    }
    document = await stage.api.must('GET', '/openapi.json')
    Object.assign(document.paths, GRAPHQL)
  }, 60_000)
  afterAll(async () => {
    agent.destroy()
    await stage?.close()
  })

  const send = ({ method, target, headers, body, chunked }: HostileRequest) =>
    new Promise<Answer>((resolve, reject) => {
      const { hostname, port } = new URL(stage.api.url)
      const length = body !== undefined && !chunked ? { 'content-length': String(Buffer.byteLength(body)) } : {}
      const sent = httpRequest({ agent, hostname, port, method, path: target, headers: { ...headers, ...length } })
      sent.on('error', reject)
      sent.on('response', async (answer) => {
        const text = (await buffer(answer)).toString()
        const { statusCode = 0, headers, rawHeaders } = answer
        const locations = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'location').length
        resolve({ status: statusCode, type: String(headers['content-type'] ?? ''), headers, locations, text })
      })
      sent.end(body)
    })

  /** What is wrong with an answer, in words. */
  function complaintsAbout({ route, method }: HostileRequest, answer: Answer): string[] {
    const operation = document.paths[route]![method.toLowerCase() as 'get']!
    const { status, type, headers, locations, text } = answer
    const named = operation.responses[status] ?? operation.responses[`${String(status)[0]}XX`]
    const promised = named && '$ref' in named ? document.components.responses[named.$ref.split('/').at(-1)!] : named
    const content = Object.entries(promised?.content ?? {}).find(([each]) => each === '*/*' || type.startsWith(each))
    const schema = content?.[1].schema
    const injected = Object.keys(headers).filter((name) => /^x-injected|^access-control-/.test(name))
    return [
      status >= 500 && 'is a failure of ours',
      !promised && 'has a status that the document does not have',
      promised?.content && !content && `is ${type}`,
      schema && !fits(`${method} ${route} ${status}`, schema, text) && 'does not fit its schema',
      !/^req_[0-9a-f]{24}$/.test(String(headers['x-request-id'])) && 'has no X-Request-Id of ours',
      headers['x-content-type-options'] !== 'nosniff' && 'may be sniffed',
      locations > 1 && 'has several Locations',
      injected.length > 0 && `has ${injected}`,
      /\bat .*\.(?:ts|js):\d+|select .* from|duplicate key/i.test(text) && 'tells of our insides',
    ].filter((complaint) => typeof complaint === 'string')
  }

  function fits(name: string, schema: object, text: string): boolean {
    let validate = schemas.get(name)
    if (!validate) {
      validate = ajv.compile({ ...schema, components: document.components })
      schemas.set(name, validate)
    }
    return validate(JSON.parse(text)) === true
  }

  /** @returns the statuses that there were */
  async function expectAnswersAsPromised(requests: HostileRequest[]): Promise<Set<number>> {
    const wrong = new Map<string, unknown>()
    const statuses = new Set<number>()
    for (let i = 0; i < requests.length; i += AT_ONCE)
      await Promise.all(
        requests.slice(i, i + AT_ONCE).map(async (request) => {
          const answer = await send(request)
          statuses.add(answer.status)
          for (const complaint of complaintsAbout(request, answer))
            wrong.set(`${request.method} ${request.route} ${answer.status} ${complaint}`, {
              request,
              text: answer.text.slice(0, 300),
            })
        }),
      )
    expect(Object.fromEntries(wrong)).toEqual({})
    return statuses
  }

  it('takes 5,000 hostile requests: no failure, every answer as promised', async () => {
    const requests = fc.sample(hostileRequests(document, loot), { seed: SEED, numRuns: 5_000 })
    const statuses = await expectAnswersAsPromised(requests)
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const asked = new Set(requests.map(({ method, route }) => `${method} ${route}`))
    expect(routes.filter((route) => !asked.has(route))).toEqual([])
    // They got past the first door: some were even right.
    expect([200, 303, 400, 401, 403, 404, 415, 422].filter((status) => !statuses.has(status))).toEqual([])
  }, 180_000)

  it('takes U+0000 wherever a text may stand: no failure, though PostgreSQL can neither keep it nor look for it', async () => {
    const requests = requestsWithNul(document, loot)
    expect(requests.length).toBeGreaterThan(300)
    await expectAnswersAsPromised(requests)
  }, 60_000)

  // In time of the processor, which other programs do not take away: a stopwatch would measure them.
  it('spends less than 200 ms on any body that it reads, so that nobody waits for longer', async () => {
    const routes = ['/oauth/token', '/v1/service_account_authorizations', '/admin/v1/clients', '/graphql']
    const [slow, failures]: [string[], string[]] = [[], []]
    const keys: Record<string, string> = { '/admin/v1/clients': loot.adminKey }
    const spent = async (route: string, body: string, type: string) => {
      const headers = {
        'content-type': type,
        authorization: `Bearer ${keys[route] ?? loot.accessToken}`,
        'x-api-key': loot.apiKey,
      }
      const before = process.cpuUsage()
      const { status } = await send({ route, method: 'POST', target: route, headers, body, chunked: false })
      const { user, system } = process.cpuUsage(before)
      if (status >= 500 || status === 413) failures.push(`${route}, ${body.slice(0, 40)}: ${status}`)
      return (user + system) / 1000
    }
    for (const route of routes)
      for (const [what, body, type = 'application/json'] of DEAR_BODIES) {
        // What is dear is dear every time; what else this process had to do is not.
        let least = Number.POSITIVE_INFINITY
        for (let tries = 0; tries < 5 && least >= 200; tries++) least = Math.min(least, await spent(route, body, type))
        if (least >= 200) slow.push(`${what} at ${route}: ${Math.round(least)} ms`)
      }
    expect({ slow, failures }).toEqual({ slow: [], failures: [] })
  }, 60_000)

  it('refuses bodies of 10 MiB, with and without a length, and keeps none of them', async () => {
    const big = Buffer.alloc(10 * 1024 * 1024, 0x20)
    const before = process.memoryUsage().rss
    for (const route of ['/oauth/token', '/v1/service_account_authorizations', '/admin/v1/clients'])
      for (const chunked of [false, true]) {
        const headers = {
          'content-type': 'application/json',
          authorization: `Bearer ${loot.accessToken}`,
          connection: 'close',
        }
        const sent = send({ route, method: 'POST', target: route, headers, body: big, chunked })
        // Whoever goes on sending after the answer may find the connection closed before reading it.
        const status = await sent.then((answer) => answer.status).catch(({ code }) => code)
        expect([413, 'ECONNRESET', 'EPIPE']).toContain(status)
      }
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024)
    expect((await stage.api.call('GET', '/health/live')).status).toBe(200)
  })
})
