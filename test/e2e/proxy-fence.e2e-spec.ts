import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { openProxyStage, type ProxyStage, type StageProvider } from './proxy-stage.js'

const GOOGLE = '/v1/proxy/google/calendar/v3'
const MICROSOFT = '/v1/proxy/microsoft/v1.0'
const LOVELACE = 'c_1884lovelace0board0room@resource.calendar.google.com'
const HOPPER = 'c_1885hopper0huddle0room@resource.calendar.google.com'

/** The tables of every way around are beside the code; these go over the wire, through the router, as a client would try. */
describe('nothing reaches a provider', () => {
  const { url } = testDatabase()
  let stage: ProxyStage

  beforeAll(async () => {
    stage = await openProxyStage(url)
  })
  afterAll(() => stage.close())
  beforeEach(() => stage.reset())

  const forgetReads = () => {
    stage.sandbox.google.journal.clear()
    stage.sandbox.microsoft.journal.clear()
  }
  const reads = () => [...stage.sandbox.google.journal.list(), ...stage.sandbox.microsoft.journal.list()]

  async function refusal(token: string | null, target: string, method = 'GET') {
    forgetReads()
    const { status, json, headers } = await stage.get(token, target, { method })
    expect(reads()).toEqual([])
    expect(headers['x-request-id']).toMatch(/^req_/)
    expect(json).toEqual({ error: json.error, error_description: expect.stringMatching(/\w/) })
    return `${status} ${json.error}`
  }

  it.each([
    ['the calendar of a colleague', `${GOOGLE}/calendars/ben@acme.test/events`],
    ['the calendar of a room', `${GOOGLE}/calendars/${LOVELACE}/events`],
    ['the calendar of a colleague, in the query', `${GOOGLE}/calendars/primary/events?calendarId=ben@acme.test`],
    ['dot segments', `${GOOGLE}/calendars/primary/../ben@acme.test/events`],
    ['dot segments out of the proxy', '/v1/proxy/google/../../v1/proxy/google/calendar/v3/colors'],
    ['encoded dot segments', `${GOOGLE}/calendars/primary/%2e%2e/ben@acme.test/events`],
    ['an encoded slash', `${GOOGLE}/calendars/primary%2F..%2Fben@acme.test/events`],
    ['a doubled slash', `${GOOGLE}//calendars/primary/events`],
    ['a slash at the end', `${GOOGLE}/calendars/primary/events/`],
    ['an encoded mount', '/v1/%70roxy/google/calendar/v3/colors'],
    ['a batch', '/v1/proxy/google/batch/calendar/v3'],
    ['a key', `${GOOGLE}/calendars/primary/events?key=AIzaSy`],
    ['a token in the query', `${GOOGLE}/calendars/primary/events?access_token=ya29`],
  ])('for a person at Google who asks for %s', async (_, target) => {
    const token = await stage.tokenFor('google', 'anna@acme.test')
    expect(await refusal(token, target)).toBe('403 not_admitted')
  })

  it.each([
    ["the administrator's own calendar", `${GOOGLE}/calendars/primary/events`],
    ["the administrator's calendar by address", `${GOOGLE}/calendars/admin@acme.test/events`],
    ["the administrator's list", `${GOOGLE}/users/me/calendarList`],
    ['another room', `${GOOGLE}/calendars/${HOPPER}/events`],
    ['a person', `${GOOGLE}/calendars/anna@acme.test/events`],
  ])('for a room at Google that asks for %s', async (_, target) => {
    const token = await stage.tokenFor('google', LOVELACE)
    expect(await refusal(token, target)).toBe('403 not_admitted')
  })

  it.each([
    ['a colleague by address', `${MICROSOFT}/users/bill@initech.test/events`],
    ['a colleague through dot segments', `${MICROSOFT}/me/../users/bill@initech.test/events`],
    ['a colleague through encoded dot segments', `${MICROSOFT}/me/%2e%2e/users/bill@initech.test/events`],
    ['a colleague through an encoded slash', `${MICROSOFT}/me%2F..%2Fusers%2Fbill@initech.test/events`],
    ['a colleague in parentheses', `${MICROSOFT}/users('bill@initech.test')/events`],
    ['everybody', `${MICROSOFT}/users`],
    ['a batch', `${MICROSOFT}/$batch`],
    ['beta', '/v1/proxy/microsoft/beta/me/events'],
    ['what hangs on an event', `${MICROSOFT}/me/events?$expand=attachments`],
    ['mail', `${MICROSOFT}/me/messages`],
  ])('for a person at Microsoft who asks for %s', async (_, target) => {
    const token = await stage.tokenFor('microsoft', 'milton@initech.test')
    expect(await refusal(token, target)).toBe('403 not_admitted')
  })

  it('for the next page of another mailbox, taken from that mailbox’s own answer', async () => {
    const bills = await stage.tokenFor('microsoft', 'bill@initech.test')
    const miltons = await stage.tokenFor('microsoft', 'milton@initech.test')
    const { json } = await stage.get(bills, `${MICROSOFT}/me/calendars`)
    const [{ id }] = json.value
    const [call] = stage.sandbox.microsoft.journal.list({ path: '/calendars', method: 'GET' }).slice(-1)
    const bill = call!.path.split('/')[3]

    const target = `${MICROSOFT}/users/${bill}/calendars/${encodeURIComponent(id)}/events?$top=1&$skip=1`
    expect(await refusal(miltons, target)).toBe('403 not_admitted')
    expect((await stage.get(bills, target)).status).toBe(200)
  })

  it('of a calendar that a colleague shared, which is named in the list and not opened', async () => {
    const token = await stage.tokenFor('microsoft', 'milton@initech.test')
    const { json } = await stage.get(token, `${MICROSOFT}/me/calendars`)
    const opened = async (calendar: { id: string }, rest: string) => {
      const path = `${MICROSOFT}/me/calendars/${encodeURIComponent(calendar.id)}${rest}`
      const { status, json: answer } = await stage.get(token, path)
      return status === 200 ? 200 : `${status} ${answer.error}`
    }
    const shared = json.value.find(({ owner }: { owner: { address: string } }) => owner.address === 'bill@initech.test')
    const reads = ['/events', '/calendarView?startDateTime=2026-01-01&endDateTime=2026-01-08']
    for (const rest of reads) expect(await opened(shared, rest)).toBe('403 microsoft.calendar_of_another')
    const [own, team] = json.value
    for (const rest of reads) expect([await opened(own, rest), await opened(team, rest)]).toEqual([200, 200])
  })

  it('of a calendar whose owner cannot be seen, such as another mailbox’s', async () => {
    const { json } = await stage.get(
      await stage.tokenFor('microsoft', 'bill@initech.test'),
      `${MICROSOFT}/me/calendars`,
    )
    const miltons = await stage.tokenFor('microsoft', 'milton@initech.test')
    const path = `${MICROSOFT}/me/calendars/${encodeURIComponent(json.value[0].id)}/events`
    expect(await stage.get(miltons, path)).toMatchObject({ status: 404, json: { error: 'microsoft.not_found' } })
    expect(stage.sandbox.microsoft.journal.list().filter(({ path }) => path.endsWith('/events'))).toEqual([])
  })

  it.each<[StageProvider, string, string]>([
    ['google', 'anna@acme.test', `${MICROSOFT}/me/events`],
    ['microsoft', 'milton@initech.test', `${GOOGLE}/calendars/primary/events`],
  ])('when a mailbox at %s asks the other provider', async (provider, email, target) => {
    const token = await stage.tokenFor(provider, email)
    expect(await refusal(token, target)).toBe('403 not_admitted')
    const { json } = await stage.get(token, target)
    expect(json.error_description).toContain(`/v1/proxy/${provider}/`)
  })

  it('for events when the grant is for free/busy, though the provider would answer', async () => {
    const google = await stage.tokenFor('google', 'anna@acme.test', ['free_busy'])
    expect(await refusal(google, `${GOOGLE}/calendars/primary/events`)).toBe('403 insufficient_scope')
    const microsoft = await stage.tokenFor('microsoft', 'milton@initech.test', ['free_busy'])
    expect(await refusal(microsoft, `${MICROSOFT}/me/events`)).toBe('403 insufficient_scope')
    const { json } = await stage.get(microsoft, `${MICROSOFT}/me/events`)
    expect(json.error_description).toContain('read_events')
    expect((await stage.get(microsoft, `${MICROSOFT}/me/calendars`)).status).toBe(200)
  })

  it.each(['POST', 'OPTIONS', 'PROPFIND'])('by %s, where nothing is written like that', async (method) => {
    const token = await stage.tokenFor('google', 'anna@acme.test', ['read_write'])
    expect(await refusal(token, `${GOOGLE}/calendars/primary/events/abc12`, method)).toMatch(
      /^40[34] (?:method_not_allowed|not_found)$/,
    )
  })

  it('without a live token in the header', async () => {
    const token = await stage.tokenFor('google', 'anna@acme.test')
    const target = `${GOOGLE}/calendars/primary/events`
    expect(await refusal(null, target)).toBe('401 invalid_token')
    expect(await refusal(`${token}x`, target)).toBe('401 invalid_token')
    expect(await refusal(null, `${target}?access_token=${token}`)).toBe('401 invalid_token')
  })

  it('with a service account’s token', async () => {
    const token = await stage.serviceAccountToken('google')
    expect(await refusal(token, `${GOOGLE}/calendars/primary/events`)).toBe('403 insufficient_scope')
  })

  it('in the absolute form of a request line, whatever its host', async () => {
    const token = await stage.tokenFor('google', 'anna@acme.test')
    const { port } = new URL(stage.url)
    forgetReads()
    for (const host of [`127.0.0.1:${port}`, 'www.googleapis.com', 'WWW.GoogleAPIs.com@evil.test']) {
      const socket = connect(Number(port), '127.0.0.1')
      const target = `http://${host}${GOOGLE}/calendars/primary/events`
      socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`)
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 403 [\s\S]*"error":"not_admitted"/)
    }
    expect(reads()).toEqual([])
  })

  it('after the service account has been revoked', async () => {
    const token = await stage.tokenFor('microsoft', 'milton@initech.test')
    expect((await stage.get(token, `${MICROSOFT}/me/calendar`)).status).toBe(200)
    await stage.revokeServiceAccount('microsoft')
    expect(await refusal(token, `${MICROSOFT}/me/calendar`)).toBe('401 invalid_token')
  })
})
