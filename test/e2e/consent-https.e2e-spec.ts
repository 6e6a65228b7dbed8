import { parse } from 'node-html-parser'
import { Database } from '#platform/database/database.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type ApiApp, openApiApp } from './api-app.js'

/** As it is registered and as it is compared: punycode, with a port. */
const REDIRECT_URI = 'https://xn--mnchen-3ya.example:8443/connected'
const HOSTILE = `"><script>alert('state')</script>\r\nset-cookie: x=y`

describe('the administrator’s pages under https', () => {
  const { url } = testDatabase()
  let api: ApiApp
  let clientId: string

  beforeAll(async () => {
    api = await openApiApp(url, { MANDATE_PUBLIC_URL: 'https://mandate.example.com' })
    const headers = { authorization: `Bearer ${api.adminKey}` }
    const payload = { name: '<b>Acme</b> "Scheduler"', redirect_uris: [REDIRECT_URI] }
    const added = await api.app.inject({ method: 'POST', url: '/admin/v1/clients', headers, payload })
    clientId = added.json().client_id
  })
  afterAll(() => api?.close())

  const begin = async (parameters: Record<string, string> = {}) => {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: REDIRECT_URI,
      scope: 'service_account/accounts/manage',
      delegated_scope: 'read_only',
      state: HOSTILE,
      ...parameters,
    })
    const headers = { host: 'evil.test', 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'http' }
    return api.app.inject({ url: `/enterprise_connect/oauth/authorize?${query}`, headers })
  }
  const visit = async () => {
    const answer = await begin()
    const [cookie] = answer.cookies as { name: string; value: string }[]
    return { path: String(answer.headers.location), cookies: { [cookie!.name]: cookie!.value } }
  }

  it('tie a visit to one browser by a cookie that no sibling domain can plant', async () => {
    const answer = await begin()
    expect(answer.statusCode).toBe(303)
    expect(answer.cookies).toHaveLength(1)
    expect(answer.cookies[0]).toEqual({
      name: expect.stringMatching(/^__Host-mandate-con_[0-9a-f]{24}$/),
      value: expect.stringMatching(/^[\w-]{32}$/),
      path: '/',
      httpOnly: true,
      sameSite: 'Lax',
      secure: true,
      maxAge: 86_400,
    })
    expect(answer.headers.location).toMatch(/^\/enterprise_connect\/consents\/con_[0-9a-f]{24}$/)
  })

  it('are not opened by the cookie’s plain name, which anybody could plant', async () => {
    const { path, cookies } = await visit()
    expect((await api.app.inject({ url: path, cookies })).statusCode).toBe(200)
    const plain = Object.fromEntries(
      Object.entries(cookies).map(([name, value]) => [name.replace('__Host-', ''), value]),
    )
    expect((await api.app.inject({ url: path, cookies: plain })).statusCode).toBe(403)
  })

  it.each([
    ['https://mandate.example.com', 303],
    ['http://mandate.example.com', 403],
    ['https://mandate.example.com:8443', 403],
    ['https://evil.mandate.example.com', 403],
    ['https://evil.test', 403],
  ])('take a form from %s with %i', async (origin, status) => {
    const { path, cookies } = await visit()
    const page = parse((await api.app.inject({ url: path, cookies })).body)
    const csrf = page.querySelector('input[name=csrf]')!.getAttribute('value')!
    const answer = await api.app.inject({
      method: 'POST',
      url: `${path}/provider`,
      cookies,
      headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ csrf, way: 'google:customer' }).toString(),
    })
    expect(answer.statusCode).toBe(status)
  })

  it('show who asks as text, and where the browser goes in both spellings', async () => {
    const { path, cookies } = await visit()
    const { body, headers } = await api.app.inject({ url: path, cookies })
    const page = parse(body)
    expect(page.querySelector('h1')!.text).toContain('<b>Acme</b> "Scheduler"')
    expect(page.querySelectorAll('b, script:not([src^="/"])')).toEqual([])
    expect(page.querySelector('main')!.text).toContain('münchen.example:8443')
    expect(page.querySelector('main')!.text).toContain('xn--mnchen-3ya.example:8443')
    expect(body).not.toContain('evil.test')
    expect(body).not.toContain("alert('state')")
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy.split('form-action ')[1]).toMatch(/^'self' https:\/\/xn--mnchen-3ya\.example:8443 https:/)
  })

  it('send a hostile state back in one Location, and in no other header', async () => {
    const answer = await begin({ scope: 'root' })
    const location = String(answer.headers.location)
    expect([answer.statusCode, answer.cookies]).toEqual([303, []])
    expect(location).toMatch(/^https:\/\/xn--mnchen-3ya\.example:8443\/connected\?[\x21-\x7e]+$/)
    expect(new URL(location).searchParams.get('state')).toBe(HOSTILE)
    expect(new URL(location).searchParams.get('iss')).toBe('https://mandate.example.com')
    expect(location).not.toContain('evil.test')
  })

  it('say when to come back while the database is away', async () => {
    const database = api.app.get(Database)
    const away = () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))
    Object.assign(database, { read: away, inTransaction: away })
    const answer = await begin()
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([503, 'text/html; charset=utf-8'])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(answer.body).not.toContain('ECONNREFUSED')
  })
})
