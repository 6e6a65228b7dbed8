import { createHash } from 'node:crypto'
import { DisconnectedCredentials } from '#domain/credentials/disconnected-credentials.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import type { Page } from '../../apps/demo/plain-browser.js'
import { type ConnectClient, type ConnectStage, openConnectStage, PersonVisit } from './connect-stage.js'
import { hasButton, textOf } from './consent-visit.js'

const REDIRECT_URI = 'https://app.acme-scheduler.test/connected?tenant=7'
const VERIFIER = 'a-verifier-that-is-long-enough-to-be-one-of-RFC-7636'
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')
/** As a client might write it; not as URLSearchParams would. */
const STATE = 'a%20b+c%26d=%c3%a9!'

describe('connecting an account by OAuth', () => {
  const database = testDatabase()
  let stage: ConnectStage
  let client: ConnectClient

  beforeAll(async () => {
    stage = await openConnectStage(database.url)
    client = await stage.addConnectClient('Acme <b>Scheduler</b>', REDIRECT_URI)
  })
  afterAll(() => stage.close())
  afterEach(() => stage.sandbox.google.faults.clear())

  const link = (parameters: Record<string, string | null> = {}, by = client) => {
    const all = {
      ...{ response_type: 'code', client_id: by.id, redirect_uri: by.redirectUri, scope: 'read_only' },
      ...{ code_challenge: CHALLENGE, code_challenge_method: 'S256', ...parameters },
    }
    const sent = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null)
    return `${stage.url}/oauth/authorize?${new URLSearchParams(sent)}&state=${STATE}`
  }
  const atGoogle = (parameters: Record<string, string> = {}) => link({ provider_name: 'google', ...parameters })
  const visitor = (by = client) => new PersonVisit(by.redirectUri)

  const post = async (path: string, form: Record<string, string>) => {
    const body = new URLSearchParams({ client_id: client.id, client_secret: client.secret, ...form })
    const answer = await fetch(stage.url + path, { method: 'POST', body })
    return { status: answer.status, body: JSON.parse((await answer.text()) || 'null') }
  }
  const exchange = (back: Page, form: Record<string, string> = {}) =>
    post('/oauth/token', {
      ...{ grant_type: 'authorization_code', code: back.url.searchParams.get('code') ?? '' },
      ...{ redirect_uri: REDIRECT_URI, code_verifier: VERIFIER, ...form },
    })
  const get = async (path: string, token: string) => {
    const answer = await fetch(stage.url + path, { headers: { authorization: `Bearer ${token}` } })
    return { status: answer.status, body: await answer.json() }
  }

  /** By hand: the cookie, and the address with which Google sends the browser back. */
  const untilReturn = async (
    email = 'ben@acme.test',
    go: (visit: PersonVisit, url: string) => Promise<Page> = (visit, url) => visit.connect(url, email),
  ) => {
    const begun = await fetch(atGoogle(), { redirect: 'manual' })
    const cookie = begun.headers.getSetCookie()[0]!.split(';')[0]!
    const { url } = await go(new PersonVisit(`${stage.url}/oauth/return`), begun.headers.get('location')!)
    const comeBack = (headers: Record<string, string> = { cookie }, at = url) =>
      fetch(at, { redirect: 'manual', headers })
    return { cookie, url, comeBack }
  }
  const titleIn = (html: string) => /<h1>(.*?)<\/h1>/.exec(html)?.[1]
  const buttonsIn = ({ document }: Page) =>
    document.querySelectorAll('main .button, main button').map((each) => each.structuredText.trim())
  const stopped = async (answer: Response) => ({
    status: answer.status,
    location: answer.headers.get('location'),
    title: titleIn(await answer.text()),
  })
  const hrefOf = ({ document, url }: Page, label: RegExp) => {
    const found = document.querySelectorAll('main a').find((each) => label.test(each.structuredText))
    return new URL(found!.getAttribute('href')!.replaceAll('&amp;', '&'), url)
  }

  describe.each([
    [
      'Google',
      'anna@acme.test',
      'Allow',
      { provider_name: 'google', provider_service: 'gsuite' },
      '/google/calendar/v3/calendars/primary/events?singleEvents=true',
    ],
    [
      'Microsoft',
      'milton@initech.test',
      'Accept',
      { provider_name: 'exchange', provider_service: 'office365' },
      '/microsoft/v1.0/me/events',
    ],
  ])('at %s', (provider, email, allow, providerNames, events) => {
    let tokens: Record<string, string>

    it('goes from our page to the provider and back to the client, with state and issuer', async () => {
      const visit = visitor()
      const page = await visit.browser.open(link())
      expect(textOf(page)).toContain('Acme <b>Scheduler</b>')
      const accounts = await visit.browser.submit(page, `Continue with ${provider}`)
      const consent = await visit.browser.submit(accounts, new RegExp(email.replaceAll('.', '\\.')))
      const back = hasButton(consent, allow) ? await visit.browser.submit(consent, allow) : consent
      expect(back.url.href).toMatch(`${REDIRECT_URI}&code=`)
      expect(back.url.href).toContain(`&state=${STATE}`)
      expect(back.url.searchParams.get('iss')).toBe(stage.url)
      expect((await exchange(back, { code_verifier: `${VERIFIER}x` })).body.error).toBe('invalid_grant')
      const { status, body } = await exchange(back)
      expect(status).toBe(200)
      expect(body).toMatchObject({
        ...{ token_type: 'bearer', scope: 'read_only', sub: body.account_id },
        account_id: expect.stringMatching(/^acc_/),
        linking_profile: { ...providerNames, profile_id: expect.stringMatching(/^pro_/), profile_name: email },
      })
      tokens = body
    })

    it('gives tokens that say whose they are, read that mailbox, and are refreshed', async () => {
      const { sub } = tokens
      expect((await get('/v1/userinfo', tokens.access_token!)).body).toMatchObject({ sub, email })
      const read = await get(`/v1/proxy${events}`, tokens.access_token!)
      expect([read.status, Array.isArray(read.body.items ?? read.body.value)]).toEqual([200, true])
      const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token! }
      const refreshed = await post('/oauth/token', refresh)
      expect(refreshed).toMatchObject({ status: 200, body: { sub } })
      tokens = refreshed.body
      const told = await post('/oauth/introspect', { token: tokens.access_token! })
      expect(told.body).toMatchObject({ active: true, sub, client_id: client.id })
    })

    it('keeps the account when it is connected again, and asks for all of it when less is asked for', async () => {
      const visit = visitor()
      const { provider_name } = providerNames
      let back = await visit.connect(link({ provider_name, scope: 'free_busy' }), email)
      // Google or Microsoft asks once more, for what the other grant stands on too.
      if (back.status === 200) back = await visit.browser.submit(back, allow)
      expect((await exchange(back)).body).toMatchObject({ account_id: tokens.account_id, scope: 'free_busy' })
    })

    it('ends with every token, and the credential with it, when the client revokes', async () => {
      await post('/oauth/revoke', { token: tokens.refresh_token! })
      expect((await get('/v1/userinfo', tokens.access_token!)).status).toBe(401)
      const rows = await stage.sql('select disconnected_at from user_credentials where id = $1', [tokens.account_id])
      expect(rows).toEqual([{ disconnected_at: expect.any(Date) }])
      // Not before a use that is under way is over.
      const credentials = stage.app.get(DisconnectedCredentials, { strict: false })
      await until('it to be due to be taken back', async () =>
        (await credentials.findToTakeBack(10)).includes(tokens.account_id!),
      )
    })
  })

  it.each([
    ['Google', 'google', 'pat.private@gmail.com', null, { provider_name: 'google', provider_service: 'google' }],
    [
      'Microsoft',
      'live_connect',
      'bill@initech.test',
      // The stand-in has no consumers; at Microsoft all of them are of this one tenant.
      '9188040d-6c67-4c5b-b112-36a304b66dad',
      { provider_name: 'live_connect', provider_service: 'outlook_com' },
    ],
  ])('names a consumer’s account at %s as the vendor does', async (_where, provider_name, email, tenant, names) => {
    const back = await visitor().connect(link({ provider_name }), email)
    if (tenant) await stage.sql('update accounts set organisation_id = $1 where email = $2', [tenant, email])
    const { body } = await exchange(back)
    expect(body.linking_profile).toMatchObject({ ...names, profile_name: email })
    const userinfo = await get('/v1/userinfo', body.access_token)
    expect(userinfo.body['cronofy.data'].profiles).toMatchObject([names])
  })

  it.each<[string, Record<string, string | null>, string]>([
    ['no code_challenge', { code_challenge: null, code_challenge_method: null }, 'invalid_request'],
    ['a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['another response_type', { response_type: 'token' }, 'unsupported_response_type'],
    ['no scope', { scope: null }, 'invalid_scope'],
    ['an unknown scope', { scope: 'read_only root' }, 'invalid_scope'],
    ['an unknown provider', { provider_name: 'apple' }, 'invalid_request'],
    ['a hint that is no address', { login_hint: 'anna' }, 'invalid_request'],
  ])('tells the client of a request with %s', async (_what, parameters, error) => {
    const { url } = await visitor().browser.open(link(parameters))
    expect(url.href).toMatch(REDIRECT_URI)
    expect(url.href).toContain(`&state=${STATE}`)
    expect(url.searchParams.get('error')).toBe(error)
    expect(url.searchParams.get('iss')).toBe(stage.url)
  })

  it.each<[string, Record<string, string | null>, string]>([
    ['an unknown client', { client_id: 'cli_0' }, 'This link is not complete'],
    ['no client', { client_id: null }, 'This link is not complete'],
    ['another redirect_uri', { redirect_uri: `${REDIRECT_URI}&x` }, 'This link is not safe to follow'],
    ['no redirect_uri', { redirect_uri: null }, 'This link is not safe to follow'],
  ])('shows a page and redirects nobody for %s', async (_what, parameters, title) => {
    expect(await stopped(await fetch(link(parameters), { redirect: 'manual' }))).toEqual({
      ...{ status: 400, location: null, title },
    })
  })

  it('sends a request for a service account on to the administrators’ pages, as it came', async () => {
    const asked = link({ scope: 'service_account/accounts/manage', delegated_scope: 'read_only' })
    const answer = await fetch(asked, { redirect: 'manual' })
    const query = asked.slice(asked.indexOf('?'))
    expect(answer.headers.get('location')).toBe(`/enterprise_connect/oauth/authorize${query}`)
  })

  describe('a stop', () => {
    it.each<[string, string, (visit: PersonVisit, url: string) => Promise<Page>]>([
      ['declined', 'You did not allow the access', (visit, url) => visit.deny(url, 'ben@acme.test')],
      [
        'partial',
        'Something was left out',
        (visit, url) =>
          visit.connect(url, 'ben@acme.test', {
            'scope:https://www.googleapis.com/auth/calendar.events.readonly': null,
          }),
      ],
    ])('%s is a page with a way to try again, and one back', async (_stop, title, go) => {
      const visit = visitor()
      const page = await go(visit, atGoogle())
      expect([page.status, titleIn(page.document.toString())]).toEqual([403, title])
      expect(buttonsIn(page)).toEqual(['Try again'])
      const back = hrefOf(page, /without connecting/)
      expect(back.href).toMatch(REDIRECT_URI)
      expect(back.href).toContain(`&state=${STATE}`)
      expect([back.searchParams.get('error'), back.searchParams.get('iss')]).toEqual(['access_denied', stage.url])
      const again = await visit.connect(hrefOf(page, /Try again/).href, 'ben@acme.test')
      expect((await exchange(again)).status).toBe(200)
    })

    it('wrong account names the one that came', async () => {
      const visit = visitor()
      const page = await visit.connect(atGoogle({ login_hint: 'anna@acme.test' }), 'ben@acme.test')
      expect(textOf(page)).toContain('You signed in as ben@acme.test')
      expect(buttonsIn(page)).toEqual(['Try again'])
    })

    it('provider down can be tried again', async () => {
      const { comeBack } = await untilReturn()
      stage.sandbox.google.faults.add({ path: '/token', reset: true })
      const answer = await stopped(await comeBack())
      expect(answer).toEqual({ status: 503, location: null, title: 'Your provider is not answering' })
    })

    it('expired leads back to the client', async () => {
      const { comeBack } = await untilReturn()
      await stage.sql("update sign_ins set expires_at = now() - interval '1 minute' where step = 'away'")
      const answer = await comeBack()
      const html = await answer.text()
      expect([answer.status, titleIn(html)]).toEqual([410, 'This took too long'])
      expect(html).toContain('Return to Acme &lt;b>Scheduler&lt;/b>')
    })

    it('replayed says that it was used, and gives no second code', async () => {
      const { comeBack } = await untilReturn()
      expect((await comeBack()).headers.get('location')).toContain('code=')
      const again = await comeBack()
      const html = await again.text()
      expect([again.status, titleIn(html)]).toEqual([400, 'This page was used already'])
      // The client has its code: it is not told of an error beside.
      expect(html).toContain('href="https://app.acme-scheduler.test/"')
      expect(html).not.toContain('error=')
    })

    it('other browser connects nothing and says nothing of where it would have ended', async () => {
      const { comeBack, cookie } = await untilReturn()
      const answer = await comeBack({})
      const html = await answer.text()
      expect([answer.status, titleIn(html)]).toEqual([403, 'This was started in another browser'])
      expect(html).not.toContain('acme-scheduler')
      expect((await comeBack({ cookie })).headers.get('location')).toContain('code=')
    })

    it.each([
      ['google?state=x', 404],
      ['apple?state=x', 404],
      ['google', 404],
    ])('unknown is a page: %s', async (path, status) => {
      const answer = await stopped(await fetch(`${stage.url}/oauth/return/${path}`, { redirect: 'manual' }))
      expect(answer).toEqual({ status, location: null, title: 'There is no such sign-in' })
    })

    it('client changed is a page that leads nowhere', async () => {
      const fleeting = await stage.addConnectClient('Fleeting', REDIRECT_URI)
      const visit = visitor(fleeting)
      const page = await visit.browser.open(link({}, fleeting))
      await stage.sql("update clients set redirect_uris = '{https://moved.test/}' where id = $1", [fleeting.id])
      const after = await visit.browser.submit(page, 'Continue with Google')
      expect([after.status, titleIn(after.document.toString())]).toEqual([409, 'The app has changed meanwhile'])
      expect(after.document.toString()).not.toContain('acme-scheduler')
    })
  })

  describe('the page', () => {
    const begin = async () => {
      const begun = await fetch(link(), { redirect: 'manual' })
      const [setCookie = ''] = begun.headers.getSetCookie()
      const [cookie = ''] = setCookie.split(';')
      const path = begun.headers.get('location')!
      const html = await (await fetch(stage.url + path, { headers: { cookie } })).text()
      const csrf = /name="csrf" value="([^"]+)"/.exec(html)![1]!
      const send = (form: Record<string, string>, headers: Record<string, string> = { cookie }, to = 'provider') =>
        fetch(`${stage.url}${path}/${to}`, {
          ...{ method: 'POST', redirect: 'manual', headers },
          body: new URLSearchParams({ csrf, provider: 'google', ...form }),
        })
      return { setCookie, cookie, path, send }
    }

    it('is bound to one browser by a cookie that no script reads', async () => {
      const { setCookie, path, send } = await begin()
      expect(setCookie).toMatch(/^mandate-sig_[0-9a-f]{24}=[\w-]{32};.*HttpOnly.*SameSite=Lax/)
      expect((await fetch(stage.url + path)).status).toBe(403)
      expect((await send({}, {})).status).toBe(403)
    })

    it('takes each form once, and only from itself', async () => {
      const { cookie, send, path } = await begin()
      expect((await send({ csrf: 'x'.repeat(43) })).status).toBe(403)
      expect((await send({}, { cookie, origin: 'https://evil.test' })).status).toBe(403)
      expect((await send({}, { cookie, 'sec-fetch-site': 'cross-site' })).status).toBe(403)
      const { cookie: other } = await begin()
      expect((await send({}, { cookie: other })).status).toBe(403)
      const first = await send({})
      expect([first.status, first.headers.get('location')]).toEqual([303, expect.stringMatching(/^http.*state=sig_/)])
      const second = await send({})
      const html = await second.text()
      expect([second.status, titleIn(html)]).toEqual([403, 'That page was out of date'])
      expect(html).toContain(`href="${path}"`)
    })

    it('lets the person leave without connecting', async () => {
      const { send } = await begin()
      const answer = new URL((await send({}, undefined, 'decline')).headers.get('location')!)
      expect(answer.href).toContain(`&state=${STATE}`)
      expect(Object.fromEntries(answer.searchParams)).toMatchObject({ error: 'access_denied', iss: stage.url })
      expect((await send({})).status).toBe(400)
    })

    it('may be framed by nobody, and lets its forms end at the client and the providers', async () => {
      const { path, cookie } = await begin()
      const policy = (await fetch(stage.url + path, { headers: { cookie } })).headers.get('content-security-policy')
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).toContain(`form-action 'self' https://app.acme-scheduler.test ${stage.sandbox.google.url}`)
    })
  })

  it('ends on a page of ours where a client of another dialect named no address', async () => {
    const headers = { authorization: `Bearer ${await client.userToken('user-1')}` }
    const asked = await fetch(`${stage.url}/v1/integrations/google/oauth/authorizationUrl`, { headers })
    const { authorizationUrl } = await asked.json()
    const page = await visitor().connect(authorizationUrl, 'ben@acme.test')
    expect([page.status, titleIn(page.document.toString())]).toEqual([200, 'Your account is connected'])
    expect(textOf(page)).toContain('Acme <b>Scheduler</b> can use ben@acme.test now.')
  })

  it('offers no provider that the operator has not set up', async () => {
    const { send } = await (async () => {
      const begun = await fetch(link(), { redirect: 'manual' })
      const cookie = begun.headers.getSetCookie()[0]!.split(';')[0]!
      const path = stage.url + begun.headers.get('location')!
      const csrf = /name="csrf" value="([^"]+)"/.exec(await (await fetch(path, { headers: { cookie } })).text())![1]!
      const body = new URLSearchParams({ csrf, provider: 'microsoft' })
      return {
        send: () => fetch(`${path}/provider`, { method: 'POST', redirect: 'manual', headers: { cookie }, body }),
      }
    })()
    await stage.sql("delete from provider_credentials where provider = 'microsoft'")
    expect(await stopped(await send())).toEqual({ status: 409, location: null, title: 'This is not set up yet' })
    expect(buttonsIn(await visitor().browser.open(link()))).not.toContain('Continue with Microsoft')
    const { url } = await visitor().browser.open(link({ provider_name: 'exchange' }))
    expect(url.searchParams.get('error')).toBe('server_error')
  })
})
