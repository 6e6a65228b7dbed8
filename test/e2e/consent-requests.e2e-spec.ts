import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { RawConsent } from './consent-raw.js'
import { type ConsentStage, openConsentStage, type StageClient } from './consent-stage.js'

const REDIRECT_URI = 'https://app.acme-scheduler.test/connected'

describe("what a browser may bring to the administrator's pages", () => {
  const database = testDatabase()
  let stage: ConsentStage
  let client: StageClient
  let raw: RawConsent

  beforeAll(async () => {
    stage = await openConsentStage(database.url)
    client = await stage.addClient('Acme Scheduler', REDIRECT_URI)
    await stage.setOperatorCredentials()
    raw = new RawConsent(stage, client)
  })
  afterAll(() => stage.close())

  describe('before the first page', () => {
    it.each<[string, Record<string, string>]>([
      ['an unknown client', { client_id: 'cli_000000000000000000000000' }],
      ['a client id with NUL', { client_id: 'cli_\0' }],
      ['a client id with markup', { client_id: '<script>alert(1)</script>' }],
      ['an unregistered redirect URI', { redirect_uri: 'https://evil.test/' }],
      ['a redirect URI with a longer path', { redirect_uri: `${REDIRECT_URI}/x` }],
      ['a redirect URI in other letters', { redirect_uri: REDIRECT_URI.toUpperCase() }],
    ])('%s is a page of ours, and no redirect', async (_case, parameters) => {
      const answer = await raw.get(stage.link(client, parameters))
      expect(answer.status).toBe(400)
      expect(answer.headers.get('location')).toBeNull()
      expect(answer.headers.get('content-type')).toContain('text/html')
      expect(answer.headers.getSetCookie()).toEqual([])
      const page = await answer.text()
      expect(page).toContain(answer.headers.get('x-request-id'))
      expect(page).not.toContain('<script>alert')
      expect(page).not.toContain('evil.test')
    })

    it.each(['client_id', 'redirect_uri'])('%s left out is a page of ours, and no redirect', async (name) => {
      const link = new URL(stage.link(client))
      link.searchParams.delete(name)
      const answer = await raw.get(link.href)
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
    })

    it.each(['client_id', 'redirect_uri'])('%s given twice is a page of ours, and no redirect', async (name) => {
      const link = new URL(stage.link(client))
      link.searchParams.append(name, link.searchParams.get(name)!)
      const answer = await raw.get(link.href)
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
    })

    it.each<[string, Record<string, string>, string]>([
      ['another response type', { response_type: 'token' }, 'unsupported_response_type'],
      ['an unknown scope', { scope: 'root' }, 'invalid_scope'],
      ['no delegated scope', { delegated_scope: '' }, 'invalid_scope'],
      [
        'a challenge for the method plain',
        { code_challenge: 'c'.repeat(43), code_challenge_method: 'plain' },
        'invalid_request',
      ],
      ['a challenge without a method', { code_challenge: 'c'.repeat(43) }, 'invalid_request'],
      ['a repeated parameter', { 'scope[]': 'service_account/accounts/manage' }, 'invalid_request'],
    ])('%s goes back to the client', async (_case, parameters, error) => {
      const answer = await raw.get(stage.link(client, parameters))
      expect(answer.status).toBe(303)
      const location = new URL(answer.headers.get('location')!)
      expect(location.href.startsWith(`${REDIRECT_URI}?`)).toBe(true)
      expect(Object.fromEntries(location.searchParams)).toMatchObject({ error, state: 'a b+c&d=é', iss: stage.url })
    })

    it('a client that was switched off is unknown', async () => {
      const gone = await stage.addClient('Gone', REDIRECT_URI)
      await stage.sql('update clients set disabled_at = now() where id = $1', [gone.id])
      expect((await raw.get(stage.link(gone))).status).toBe(400)
    })

    it.each(['GET', 'OPTIONS'])('there is nothing for other origins to read (%s)', async (method) => {
      const headers = { origin: 'https://evil.test', 'access-control-request-method': 'GET' }
      const answer = await fetch(stage.link(client), { method, headers, redirect: 'manual' })
      expect(answer.status).toBe(method === 'GET' ? 303 : 404)
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
    })
  })

  it('sends every page with everything that keeps browsers from misusing it', async () => {
    const { path, cookie } = await raw.begin()
    const pages = [
      await raw.get(path, cookie),
      await raw.get(path),
      await raw.get('/enterprise_connect/consents/nothing'),
    ]
    expect(pages.map(({ status }) => status)).toEqual([200, 403, 404])
    for (const { headers } of pages) {
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'/,
      )
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cache-control')).toBe('no-store')
    }
    const policy = pages[0]!.headers.get('content-security-policy')!
    const allowed = [`'self'`, 'https://app.acme-scheduler.test', stage.sandbox.google.url, stage.sandbox.microsoft.url]
    expect(policy.split('form-action ')[1]).toBe(allowed.join(' '))
  })

  it('serves its two assets for ever, and nothing else', async () => {
    const { path, cookie } = await raw.begin()
    const page = await (await raw.get(path, cookie)).text()
    for (const [, asset] of page.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)) {
      const answer = await raw.get(asset!)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('cache-control')).toContain('immutable')
    }
    for (const name of ['pages.css', '..%2fdocument.tsx', '%00'])
      expect((await raw.get(`/assets/${name}`)).status).toBe(404)
  })

  describe('the cookie', () => {
    it('is out of reach of scripts and other sites', async () => {
      const { setCookie } = await raw.begin()
      expect(setCookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax/)
      expect(setCookie).toContain('Max-Age=86400')
    })

    it('is asked for on every page', async () => {
      const { path, cookie } = await raw.begin()
      const other = await raw.begin()
      for (const page of ['', '/now', '/prepare', '/check', '/decide']) {
        expect((await raw.get(path + page)).status).toBe(403)
        expect((await raw.get(path + page, other.cookie)).status).toBe(403)
        expect((await raw.get(path + page, cookie.slice(0, -1))).status).toBe(403)
      }
    })

    it('is a new one after the sign-in, and the old one is worth nothing', async () => {
      const visit = await raw.begin()
      const { path, cookie } = visit
      const returned = await raw.untilReturnFromGoogle(visit)
      const back = await raw.get(returned, cookie)
      expect(back.status).toBe(303)
      const renewed = back.headers.getSetCookie()[0]!.split(';')[0]!
      expect((await raw.get(`${path}/check`, cookie)).status).toBe(403)
      expect((await raw.get(path, renewed)).status).toBe(200)

      const again = await raw.get(returned, renewed)
      expect(again.status).toBe(400)
      expect(await again.text()).toContain('This way back was used already')
    })

    it('keeps tabs apart: two requests in one browser do not disturb each other', async () => {
      const [one, two] = [await raw.begin(), await raw.begin()]
      const both = `${one.cookie}; ${two.cookie}`
      const csrf = await raw.csrfOf({ path: one.path, cookie: both })
      expect((await raw.post(`${one.path}/provider`, both, { csrf, way: 'google:customer' })).status).toBe(303)
      expect((await raw.get(`${two.path}/prepare`, both)).headers.get('location')).toBe(two.path)
    })

    it('does not pile up', async () => {
      const cookies = []
      for (let i = 0; i < 10; i++) cookies.push((await raw.begin()).cookie)
      const answer = await raw.get(stage.link(client), cookies.join('; '))
      const dropped = answer.headers.getSetCookie().filter((cookie) => cookie.includes('Max-Age=0'))
      expect(dropped.map((cookie) => cookie.split('=')[0])).toEqual(
        cookies.slice(0, 3).map((name) => name.split('=')[0]),
      )
    })
  })

  describe('a form', () => {
    it.each<[string, (csrf: string) => Record<string, string>]>([
      ['without a token', () => ({})],
      ['with an empty token', () => ({ csrf: '' })],
      ['with a token that was made up', (csrf) => ({ csrf: `0.${'A'.repeat(csrf.length - 2)}` })],
      ['with a token of another revision', (csrf) => ({ csrf: csrf.replace(/^0/, '1') })],
    ])('%s is refused', async (_case, forged) => {
      const visit = await raw.begin()
      const form = { way: 'google:operator', ...forged(await raw.csrfOf(visit)) }
      const answer = await raw.post(`${visit.path}/provider`, visit.cookie, form)
      expect(answer.status).toBe(403)
      expect(await answer.text()).toContain('We did not accept this form')
      expect((await raw.get(`${visit.path}/prepare`, visit.cookie)).headers.get('location')).toBe(visit.path)
    })

    it('with the token of another request is refused', async () => {
      const [mine, theirs] = [await raw.begin(), await raw.begin()]
      const form = { csrf: await raw.csrfOf(theirs), way: 'google:operator' }
      expect((await raw.post(`${mine.path}/provider`, mine.cookie, form)).status).toBe(403)
    })

    it('that was sent before is refused, and says how to go on', async () => {
      const visit = await raw.begin()
      const form = { csrf: await raw.csrfOf(visit), way: 'google:operator' }
      expect((await raw.post(`${visit.path}/provider`, visit.cookie, form)).status).toBe(303)
      const replayed = await raw.post(`${visit.path}/provider`, visit.cookie, { ...form, way: 'microsoft:operator' })
      expect(replayed.status).toBe(403)
      expect(await replayed.text()).toContain(`href="${visit.path}/now"`)
      expect(await (await raw.get(`${visit.path}/prepare`, visit.cookie)).text()).toContain('Google Admin console')
    })

    it.each<[string, Record<string, string>, number]>([
      ['another origin', { origin: 'https://evil.test' }, 403],
      ['a sibling of ours', { origin: 'http://127.0.0.1:1' }, 403],
      ['another site, as the browser says', { 'sec-fetch-site': 'cross-site', origin: 'null' }, 403],
      ['a sibling site, as the browser says', { 'sec-fetch-site': 'same-site' }, 403],
      ['our own page, which sends no referrer', { 'sec-fetch-site': 'same-origin', origin: 'null' }, 303],
    ])('from %s', async (_case, headers, status) => {
      const visit = await raw.begin()
      const form = { csrf: await raw.csrfOf(visit), way: 'google:operator' }
      expect((await raw.post(`${visit.path}/provider`, visit.cookie, form, headers)).status).toBe(status)
    })

    it.each(['', 'apple:operator', 'google', 'google:somebody', '__proto__:operator'])(
      'that chooses "%s" is refused',
      async (way) => {
        const visit = await raw.begin()
        const answer = await raw.post(`${visit.path}/provider`, visit.cookie, { csrf: await raw.csrfOf(visit), way })
        expect(answer.status).toBe(400)
      },
    )

    it('for a step that is not reached is refused', async () => {
      for (const action of ['sign-in', 'credential', 'mailbox', 'allow']) {
        const visit = await raw.begin()
        const answer = await raw.post(`${visit.path}/${action}`, visit.cookie, { csrf: await raw.csrfOf(visit) })
        expect([action, answer.status]).toEqual([action, 403])
      }
    })
  })

  it('offers only what is possible, and holds to it', async () => {
    await stage.sql("update provider_credentials set sign_in_client_id = null where provider = 'google'")
    const visit = await raw.begin()
    const page = await (await raw.get(visit.path, visit.cookie)).text()
    expect(page).not.toContain('Continue with Google Workspace')
    expect(page).toContain('Use our own Google service account')
    expect(page).toContain('Continue with Microsoft 365')
    const form = { csrf: await raw.csrfOf(visit), way: 'google:operator' }
    const answer = await raw.post(`${visit.path}/provider`, visit.cookie, form)
    await stage.sql("update provider_credentials set sign_in_client_id = $1 where provider = 'google'", [
      stage.operator.googleClient.clientId,
    ])
    expect(answer.status).toBe(409)
    expect((await raw.get(`${visit.path}/prepare`, visit.cookie)).headers.get('location')).toBe(visit.path)
  })

  it('leads back from pages that are not reached', async () => {
    const { path, cookie } = await raw.begin()
    for (const page of ['/now', '/prepare', '/check', '/decide'])
      expect((await raw.get(path + page, cookie)).headers.get('location')).toBe(path)
  })

  it('says after 24 hours that the request has expired', async () => {
    const visit = await raw.begin()
    await stage.sql('update consents set expires_at = now() where id = $1', [visit.path.split('/').at(-1)])
    for (const page of ['', '/check']) {
      const answer = await raw.get(visit.path + page, visit.cookie)
      expect(answer.status).toBe(410)
      expect(await answer.text()).toContain('This request has expired')
    }
  })

  it('leaves no record of a browser that only looks, however often it comes', async () => {
    const visits = [await raw.begin(), await raw.begin()].map(({ path }) => path.split('/').at(-1))
    const rows = `select subject from audit_arrivals where subject = any($1)
      union all select subject from audit_events where subject = any($1)`
    expect(await stage.sql(rows, [visits])).toEqual([])
  })

  describe('a return from the provider', () => {
    it.each([
      '',
      '?state=',
      '?state=nonsense&code=x',
      '?state=con_000000000000000000000000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&code=x',
      '?state=a&state=b',
      '?state[x]=a',
      '?error=%00',
    ])('with the query "%s" is a page', async (query) => {
      for (const provider of ['google', 'microsoft', 'apple']) {
        const answer = await raw.get(`/enterprise_connect/oauth/return/${provider}${query}`)
        expect(answer.status).toBeGreaterThanOrEqual(400)
        expect(answer.status).toBeLessThan(500)
        expect(answer.headers.get('content-type')).toContain('text/html')
      }
    })

    it('in another browser, from the other provider, or after an hour does nothing', async () => {
      const visit = await raw.begin()
      const { path, cookie } = visit
      const returned = await raw.untilReturnFromGoogle(visit)

      expect((await raw.get(returned)).status).toBe(403)
      expect((await raw.get(returned.replace('/return/google', '/return/microsoft'), cookie)).status).toBe(400)
      await stage.sql(
        `update consents set awaited_return = jsonb_set(awaited_return, '{expiresAt}', '1') where id = $1`,
        [path.split('/').at(-1)],
      )
      expect((await raw.get(returned, cookie)).status).toBe(400)
      expect((await raw.get(`${path}/check`, cookie)).headers.get('location')).toBe(`${path}/prepare`)
    })
  })

  it('keeps neither cookie, state nor code readable in the database', async () => {
    const visit = await raw.begin()
    const [row] = await stage.sql('select * from consents where id = $1', [visit.path.split('/').at(-1)])
    expect(JSON.stringify(row)).not.toContain(visit.cookie.split('=')[1])
  })
})
