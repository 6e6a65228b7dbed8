import { hashOf } from '#platform/secrets/random.js'
import { redisForTests } from '#platform/testing/machine-for-tests.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { type ApiApp, openApiApp } from './api-app.js'

const LIMIT = 5
const [HOME, ABROAD, PROXY] = ['198.51.100.7', '203.0.113.9', '10.0.0.1']

const redis = redisForTests()
const STORES: [name: string, variables: NodeJS.ProcessEnv][] = [
  ['PostgreSQL', {}],
  ...(redis ? [['Redis', { REDIS_URL: redis.reveal() }] as [string, NodeJS.ProcessEnv]] : []),
]

describe.each(STORES)('limits counted in %s', (_store, variables) => {
  const { url } = testDatabase()
  let api: ApiApp

  beforeAll(async () => {
    api = await openApiApp(url, {
      MANDATE_LIMIT_FAILED_CLIENTS: String(LIMIT),
      MANDATE_LIMIT_FAILED_ADMIN_KEYS: String(LIMIT),
      MANDATE_LIMIT_AUTHORIZATIONS: String(LIMIT),
      MANDATE_TRUSTED_PROXIES: '10.0.0.0/8',
      MANDATE_QUEUE_PREFIX: `limits-${process.pid}`,
      ...variables,
    })
  })
  afterAll(() => api?.close())

  const register = async () => {
    const payload = { name: 'Acme', redirect_uris: ['https://app.acme.test/connected'] }
    const headers = { authorization: `Bearer ${api.adminKey}` }
    const answer = await api.app.inject({ method: 'POST', url: '/admin/v1/clients', headers, payload })
    return answer.json() as { client_id: string; client_secret: string }
  }

  interface Call {
    client_id: string
    client_secret: string
    from?: string
    forwardedFor?: string
    url?: string
  }
  /** Authenticates, with a code that is none: 400 means that the secret was right. */
  const present = async ({ client_id, client_secret, from = HOME, forwardedFor, url = '/oauth/token' }: Call) => {
    const answer = await api.app.inject({
      method: 'POST',
      url,
      remoteAddress: from,
      headers: { ...(forwardedFor && { 'x-forwarded-for': forwardedFor }) },
      payload: { grant_type: 'refresh_token', refresh_token: 'none', token: 'none', client_id, client_secret },
    })
    return answer
  }
  const statuses = async (times: number, call: Call) => {
    const found = []
    for (let i = 0; i < times; i++) found.push((await present(call)).statusCode)
    return found
  }
  const wrong = (client_id: string, from = HOME) => ({ client_id, client_secret: 'wrong', from })

  it('let so many wrong secrets be tried, then say how long to wait', async () => {
    const { client_id, client_secret } = await register()
    expect(await statuses(LIMIT + 2, wrong(client_id))).toEqual([...Array(LIMIT).fill(401), 429, 429])
    for (const secret of ['wrong', client_secret]) {
      const refused = await present({ client_id, client_secret: secret })
      expect(refused.statusCode).toBe(429)
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
      expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60)
      expect(refused.json()).toEqual({ error: 'too_many_requests', error_description: expect.any(String) })
      expect(refused.headers).toMatchObject({ 'cache-control': 'no-store', 'x-request-id': expect.any(String) })
    }
    expect(api.logged.filter((line) => line.includes('"rate_limit.reached"'))).toHaveLength(1)
    // The same secret, wherever a client presents one; and in a Basic header as in the body.
    expect((await present({ ...wrong(client_id), url: '/oauth/revoke' })).statusCode).toBe(429)
    expect((await present({ ...wrong(client_id), url: '/oauth/introspect' })).statusCode).toBe(429)
    // However the header writes the client's name (RFC 6749 section 2.3.1).
    for (const name of [client_id, client_id.replace('cli', '%63%6c%69')]) {
      const headers = { authorization: `Basic ${Buffer.from(`${name}:wrong`).toString('base64')}` }
      const byHeader = { headers, remoteAddress: HOME, payload: { grant_type: 'x' } }
      expect((await api.app.inject({ method: 'POST', url: '/oauth/token', ...byHeader })).statusCode).toBe(429)
    }
  })

  it('do not lock the real client out: neither elsewhere, nor from the same address when it has been seen', async () => {
    const { client_id, client_secret } = await register()
    expect((await present({ client_id, client_secret })).statusCode).toBe(400)
    await statuses(LIMIT * 2, wrong(client_id))
    expect((await present(wrong(client_id))).statusCode).toBe(429)
    expect((await present({ client_id, client_secret, from: ABROAD })).statusCode).toBe(400)
    expect((await present({ client_id, client_secret })).statusCode).toBe(400)
  })

  it('count by the address that a trusted proxy names, and by no other', async () => {
    const { client_id, client_secret } = await register()
    const through = (from: string, forwardedFor: string) => ({ ...wrong(client_id), from, forwardedFor })
    expect(await statuses(LIMIT + 1, through(PROXY, '192.0.2.50'))).toContain(429)
    expect((await present({ client_id, client_secret, from: PROXY, forwardedFor: '192.0.2.51' })).statusCode).toBe(400)
    for (let i = 0; i <= LIMIT; i++) await present(through('192.0.2.99', `192.0.2.${i}`))
    expect((await present(through('192.0.2.99', '192.0.2.60'))).statusCode).toBe(429)
  })

  it('hold a caller who tries many clients from one address', async () => {
    const tries = []
    for (let i = 0; i < LIMIT * 10 + 2; i++)
      tries.push((await present(wrong(`cli_${String(i).padStart(24, '0')}`, '192.0.2.77'))).statusCode)
    expect(tries.slice(-3)).toEqual([401, 429, 429])
  })

  it('evaluate few of ten thousand wrong secrets, for less than half of a processor, and say so once', async () => {
    const { client_id } = await register()
    const attack = { ...wrong(client_id, '192.0.2.200') }
    const [began, before, lines] = [performance.now(), process.cpuUsage(), api.logged.length]
    const answers: number[] = []
    for (let n = 0; n < 10_000; n += 100)
      answers.push(...(await Promise.all(Array.from({ length: 100 }, () => present(attack)))).map((a) => a.statusCode))
    const { user, system } = process.cpuUsage(before)
    // A window may end on the way, and those that are under way together are all looked at.
    const windows = 1 + Math.ceil((performance.now() - began) / 60_000)
    expect(answers.filter((status) => status === 401).length).toBeLessThanOrEqual(windows * LIMIT)
    expect(new Set(answers)).toEqual(new Set([401, 429]))
    expect((user + system) / 1000).toBeLessThan(30_000)
    const alerts = api.logged.slice(lines).filter((line) => line.includes('"rate_limit.reached"'))
    expect(alerts.length).toBeGreaterThan(0)
    expect(alerts.length).toBeLessThanOrEqual(windows)
  }, 120_000)

  it('count no success: a client that is right may come as often as it likes', async () => {
    const client = { ...(await register()), from: '192.0.2.5' }
    expect(new Set(await statuses(LIMIT * 12, client))).toEqual(new Set([400]))
  })

  it('hold whoever guesses admin keys, and let the operator in', async () => {
    const ask = (key: string) =>
      api.app.inject({ url: '/admin/v1/clients', remoteAddress: ABROAD, headers: { authorization: `Bearer ${key}` } })
    expect((await ask(api.adminKey)).statusCode).toBe(200)
    const tries = []
    for (let i = 0; i < LIMIT + 2; i++) tries.push(await ask('x'.repeat(32)))
    expect(tries.map(({ statusCode }) => statusCode)).toEqual([...Array(LIMIT).fill(401), 429, 429])
    expect(Number(tries.at(-1)!.headers['retry-after'])).toBeGreaterThan(0)
    expect((await ask(api.adminKey)).statusCode).toBe(200)
  })

  it('hold a browser that opens links for one person or for an administrator without end, with a page', async () => {
    const paths = ['/enterprise_connect/oauth/authorize', '/oauth/authorize']
    let opened = 0
    // One count for both.
    const open = (remoteAddress: string) =>
      api.app.inject({ url: `${paths[opened++ % 2]}?client_id=nobody`, remoteAddress })
    for (let i = 0; i < LIMIT; i++) expect((await open('192.0.2.8')).statusCode).toBe(400)
    const held = await open('192.0.2.8')
    expect([held.statusCode, held.headers['content-type']]).toEqual([429, 'text/html; charset=utf-8'])
    expect(Number(held.headers['retry-after'])).toBeGreaterThan(0)
    expect(held.body).toContain('Too many requests from your network')
    expect((await open('192.0.2.9')).statusCode).toBe(400)
    // One IPv6 customer has a whole network.
    for (let i = 0; i < LIMIT; i++) await open(`2001:db8:1:2::${i}`)
    expect((await open('2001:db8:1:2:ffff::1')).statusCode).toBe(429)
    expect((await open('2001:db8:1:3::1')).statusCode).toBe(400)
  })

  it('hold a browser that comes back without end from where nothing was allowed', async () => {
    const { client_id } = await register()
    const id = 'sig_000000000000000000000000'
    const state = `${id}.${'s'.repeat(32)}`
    await rowsOf(
      url,
      `insert into sign_ins (id, client_id, dialect, user_id, scope, provider, step, state_hash, created_at, expires_at)
       values ($1, $2, 'work-api', 'u', '{mail}', 'google', 'away', $3, now(), now() + interval '20 minutes')`,
      [id, client_id, hashOf(state)],
    )
    const comeBack = (remoteAddress: string) =>
      api.app.inject({ url: `/auth/callback?error=access_denied&state=${state}`, remoteAddress })
    const stopped = []
    for (let i = 0; i < LIMIT + 1; i++) stopped.push((await comeBack('192.0.2.61')).statusCode)
    expect(stopped).toEqual([403, ...Array(LIMIT - 1).fill(400), 429])
    expect((await comeBack('192.0.2.62')).statusCode).toBe(400)
  })
})
