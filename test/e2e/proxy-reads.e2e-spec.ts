import type { IncomingHttpHeaders } from 'node:http'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { openProxyStage, type ProxyStage } from './proxy-stage.js'

const GOOGLE = '/v1/proxy/google/calendar/v3'
const MICROSOFT = '/v1/proxy/microsoft/v1.0'
const LOVELACE = 'c_1884lovelace0board0room@resource.calendar.google.com'
const WINDOW = 'startDateTime=2026-03-02T00:00:00Z&endDateTime=2026-03-16T00:00:00Z'

describe('with a mailbox’s access token, the proxy', () => {
  const { url } = testDatabase()
  let stage: ProxyStage

  beforeAll(async () => {
    stage = await openProxyStage(url)
  })
  afterAll(() => stage.close())
  beforeEach(() => stage.reset())

  it('reads a person’s calendars and events at Google, as that person', async () => {
    const token = await stage.tokenFor('google', 'anna@acme.test')
    const list = await stage.get(token, `${GOOGLE}/users/me/calendarList`)
    expect(list.status).toBe(200)
    expect(list.json.items[0]).toMatchObject({ id: 'anna@acme.test', primary: true })

    const query = 'timeMin=2026-03-02T00:00:00%2B01:00&singleEvents=true&orderBy=startTime'
    const events = await stage.get(token, `${GOOGLE}/calendars/anna%40acme.test/events?${query}`)
    expect(events.status).toBe(200)
    expect(events.json.items.length).toBeGreaterThan(0)
    const one = await stage.get(token, `${GOOGLE}/calendars/primary/events/${events.json.items[0].id}`)
    expect(one.json).toEqual(events.json.items[0])

    const reads = stage.sandbox.google.journal.list({ path: '/calendar/v3', method: 'GET' })
    expect(new Set(reads.map(({ subject }) => subject))).toEqual(new Set(['anna@acme.test']))
  })

  it('goes from page to page at Google with the provider’s own token', async () => {
    const token = await stage.tokenFor('google', 'anna@acme.test')
    const path = `${GOOGLE}/calendars/primary/events?singleEvents=true`
    const all = (await stage.get(token, path)).json.items
    const first = (await stage.get(token, `${path}&maxResults=${all.length - 1}`)).json
    const rest = (await stage.get(token, `${path}&maxResults=50&pageToken=${first.nextPageToken}`)).json
    expect([...first.items, ...rest.items]).toEqual(all)
  })

  it('reads a room at Google through the administrator, and nothing but that room', async () => {
    const token = await stage.tokenFor('google', LOVELACE)
    stage.sandbox.google.journal.clear()
    const events = await stage.get(token, `${GOOGLE}/calendars/${LOVELACE}/events`)
    expect(events.status).toBe(200)
    expect(events.json).toMatchObject({ kind: 'calendar#events', summary: 'Lovelace' })
    const reads = stage.sandbox.google.journal.list({ path: '/calendar/v3' })
    expect(reads).toEqual([
      expect.objectContaining({
        subject: 'admin@acme.test',
        path: `/calendar/v3/calendars/${encodeURIComponent(LOVELACE)}/events`,
      }),
    ])
  })

  it.each([
    ['a person', 'milton@initech.test'],
    ['a room', 'room.apollo@initech.test'],
  ])('reads %s at Microsoft and can be followed from page to page', async (_, email) => {
    const token = await stage.tokenFor('microsoft', email)
    const whole = await stage.get(token, `${MICROSOFT}/me/calendarView?${WINDOW}&$top=100`)
    expect(whole.status).toBe(200)
    expect(whole.json['@odata.nextLink']).toBeUndefined()
    expect(whole.json.value.length).toBeGreaterThan(6)
    expect(whole.json.value[0].organizer.emailAddress.address).toBe(email)

    const pages: object[][] = []
    let next: string | undefined = `${stage.url}${MICROSOFT}/me/calendarView?${WINDOW}&$top=3`
    while (next) {
      expect(next).toMatch(`${stage.url}${MICROSOFT}/me/calendarView?`)
      const { status, json }: Awaited<ReturnType<ProxyStage['get']>> = await stage.get(
        token,
        next.slice(stage.url.length),
      )
      expect(status).toBe(200)
      pages.push(json.value)
      next = json['@odata.nextLink']
    }
    expect(pages.length).toBeGreaterThan(2)
    expect(pages.flat()).toEqual(whole.json.value)
  })

  it('reads the calendars of a Microsoft mailbox, each by its id', async () => {
    const token = await stage.tokenFor('microsoft', 'milton@initech.test')
    const { json } = await stage.get(token, `${MICROSOFT}/users/Milton%40Initech.test/calendars?$select=name`)
    expect(json.value.map(({ name }: { name: string }) => name)).toEqual(['Calendar', 'Team', 'Bill Lumbergh'])
    const events = await stage.get(token, `${MICROSOFT}/me/calendars/${encodeURIComponent(json.value[1].id)}/events`)
    expect(events.json.value[0].subject).toBe('Team meeting')
    const one = await stage.get(token, `${MICROSOFT}/me/events/${encodeURIComponent(events.json.value[0].id)}`)
    expect(one.json.subject).toBe('Team meeting')
  })

  it('still reads a Microsoft mailbox that has been given another address', async () => {
    const token = await stage.tokenFor('microsoft', 'bill@initech.test')
    stage.sandbox.microsoft.mutate('rename-user', { email: 'bill@initech.test', to: 'william@initech.test' })
    const { status, json } = await stage.get(token, `${MICROSOFT}/me/calendar`)
    expect(status).toBe(200)
    expect(json.owner.address).toBe('william@initech.test')
  })

  it('hands on neither our token nor the caller’s headers, and takes back only what is known', async () => {
    const token = await stage.tokenFor('microsoft', 'milton@initech.test')
    const arrived: IncomingHttpHeaders[] = []
    stage.sandbox.microsoft.http.server.on('request', ({ headers }) => arrived.push(headers))
    const preferences = 'outlook.timezone="UTC", respond-async'
    const headers = { cookie: 'a=b', 'x-forwarded-for': '10.0.0.1', accept: 'text/html', prefer: preferences }
    const answer = await stage.get(token, `${MICROSOFT}/me/calendar`, { headers })

    // A kept token may first be refused by a world that has been seeded anew.
    const { authorization, host, connection, ...rest } = arrived.at(-1)!
    expect(rest).toEqual({
      accept: 'application/json',
      'accept-encoding': 'identity',
      prefer: 'outlook.timezone="UTC"',
      'x-provider-host': 'graph.microsoft.com',
    })
    expect(authorization).not.toContain(token)
    expect(Object.keys(answer.headers).sort()).toEqual(
      [
        ...['cache-control', 'connection', 'content-length', 'content-type', 'date', 'keep-alive', 'request-id'],
        ...['content-security-policy', 'referrer-policy', 'x-content-type-options', 'x-frame-options', 'x-request-id'],
      ].sort(),
    )
  })

  it('answers a question for what has changed with 304', async () => {
    const token = await stage.tokenFor('google', 'anna@acme.test')
    const answer = { status: 304, headers: { etag: '"e1"' } }
    stage.sandbox.google.faults.add({ path: '/calendar/v3/*', times: 1, answer })
    const { status, headers, text } = await stage.get(token, `${GOOGLE}/calendars/primary/events`, {
      headers: { 'if-none-match': '"e1"' },
    })
    expect({ status, etag: headers.etag, text }).toEqual({ status: 304, etag: '"e1"', text: '' })
  })

  it('answers HEAD like GET, without the body', async () => {
    const token = await stage.tokenFor('google', 'anna@acme.test')
    const { status, text } = await stage.get(token, `${GOOGLE}/calendars/primary/events`, { method: 'HEAD' })
    expect({ status, text }).toEqual({ status: 200, text: '' })
  })

  it('logs who read what, in ids', async () => {
    const token = await stage.tokenFor('google', 'anna@acme.test')
    stage.logged.length = 0
    const { headers } = await stage.get(token, `${GOOGLE}/calendars/anna@acme.test/events?q=secret-project`)
    const lines = stage.logged.map((line) => JSON.parse(line))
    expect(lines.find(({ msg }) => msg === 'proxy.answered')).toMatchObject({
      request: headers['x-request-id'],
      client: stage.serviceAccounts.google.clientId,
      grant: expect.stringMatching(/^gra_/),
      account: expect.stringMatching(/^acc_/),
      shape: 'google.events.list',
      status: 200,
      ms: expect.any(Number),
    })
    for (const unwanted of ['anna', 'secret-project', token]) expect(stage.logged.join()).not.toContain(unwanted)
  })

  describe('of an account that its owner has connected', () => {
    const READS = {
      google: { email: 'anna@acme.test', path: `${GOOGLE}/calendars/anna%40acme.test/events` },
      microsoft: { email: 'milton@initech.test', path: `${MICROSOFT}/me/calendarView?${WINDOW}` },
    } as const
    const TOKEN_PATH = { google: '/token', microsoft: '/common/oauth2/v2.0/token' }

    it.each(['google', 'microsoft'] as const)('reads at %s as its owner, with no service account', async (provider) => {
      const { email, path } = READS[provider]
      const token = await stage.ownersTokenFor(provider, email)
      for (const contains of ['jwt-bearer', 'client_credentials'])
        stage.sandbox[provider].faults.add({ contains, answer: { status: 500, html: '' } })
      const answer = await stage.get(token, path)
      expect(answer.status).toBe(200)
      expect((answer.json.items ?? answer.json.value).length).toBeGreaterThan(0)
      const asked = stage.sandbox[provider].journal.list({ path: TOKEN_PATH[provider] })
      expect(asked.map(({ status }) => status)).toEqual([200, 200])
    })

    it('reads nothing beyond the grant’s scope, whatever the owner allowed', async () => {
      const token = await stage.ownersTokenFor('google', READS.google.email, ['free_busy'])
      expect((await stage.get(token, READS.google.path)).json.error).toBe('insufficient_scope')
    })

    it('says who can mend it when the owner has taken it back, and shows nothing of the provider’s answer', async () => {
      const token = await stage.ownersTokenFor('google', READS.google.email)
      const isConnected = async () =>
        (await stage.get(token, '/v1/userinfo')).json['cronofy.data'].profiles[0].profile_connected
      expect(await isConnected()).toBe(true)
      stage.sandbox.google.mutate('revoke-consent', { email: READS.google.email })
      const answer = await stage.get(token, READS.google.path)
      expect(answer.status).toBe(403)
      expect(answer.json).toMatchObject({ error_description: expect.stringContaining('connect the account again') })
      expect(answer.text).not.toContain('invalid_grant')
      expect(await isConnected()).toBe(false)
    })

    it('waits for a provider that is down, and reads when it is back', async () => {
      const token = await stage.ownersTokenFor('google', READS.google.email)
      stage.sandbox.google.faults.add({ path: '/token', answer: { status: 503, html: '' } })
      expect((await stage.get(token, READS.google.path)).status).toBe(503)
      stage.sandbox.google.faults.clear()
      expect((await stage.get(token, READS.google.path)).status).toBe(200)
    })
  })
})
