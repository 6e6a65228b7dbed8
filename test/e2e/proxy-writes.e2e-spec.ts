import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { until } from '#platform/testing/until.js'
import type { FaultRule } from '../../apps/sandbox/core/fault-rules.js'
import { openProxyStage, type ProxyAnswer, type ProxyStage, type StageProvider } from './proxy-stage.js'

const GOOGLE = '/v1/proxy/google/calendar/v3'
const MICROSOFT = '/v1/proxy/microsoft/v1.0'
const LOVELACE = 'c_1884lovelace0board0room@resource.calendar.google.com'
/** Far ahead, where nothing else stands. */
const START = '2036-01-07T10:00:00'
const END = '2036-01-07T11:00:00'
const at = (dateTime: string) => ({ dateTime: `${dateTime}Z`, timeZone: 'UTC' })
const EVENT = { summary: 'Secret lunch', subject: 'Secret lunch', start: at(START), end: at(END) }

const MAILBOXES: [StageProvider, string, string][] = [
  ['google', 'anna@acme.test', `${GOOGLE}/calendars/primary/events`],
  ['microsoft', 'milton@initech.test', `${MICROSOFT}/me/events`],
]
/** Of the answer of a change, the first byte comes. */
function breakOff({ method }: IncomingMessage, response: ServerResponse) {
  if (method !== 'PATCH') return
  response.end = () => {
    response.write('{', () => response.destroy())
    return response
  }
}

const WINDOWS = {
  google: `${GOOGLE}/calendars/primary/events?timeMin=${START}Z&timeMax=${END}Z`,
  microsoft: `${MICROSOFT}/me/calendarView?startDateTime=${START}Z&endDateTime=${END}Z`,
}

describe('writing through the proxy', () => {
  const { url } = testDatabase()
  let stage: ProxyStage

  beforeAll(async () => {
    stage = await openProxyStage(url, 2)
  })
  afterAll(() => stage.close())
  beforeEach(() => stage.reset())

  const titlesIn = async (provider: StageProvider, token: string) => {
    const { json } = await stage.get(token, WINDOWS[provider])
    return (json.items ?? json.value).map(
      (event: { summary?: string; subject?: string }) => event.summary ?? event.subject,
    )
  }
  const changesAt = (provider: StageProvider) =>
    stage.sandbox[provider].journal.list().filter(({ method, path }) => method !== 'GET' && !path.endsWith('/token'))
  const said = ({ status, json }: ProxyAnswer) => `${status} ${json?.error ?? ''}`.trim()

  describe.each(MAILBOXES)('at %s', (provider, email, events) => {
    it('an event comes, is changed and goes, and stands where it was written', async () => {
      const token = await stage.tokenFor(provider, email, ['read_write'])
      const made = await stage.get(token, events, { method: 'POST', body: EVENT })
      expect(made.status).toBe(provider === 'google' ? 200 : 201)
      expect(await titlesIn(provider, token)).toEqual(['Secret lunch'])
      const one = `${events}/${encodeURIComponent(made.json.id)}`
      const changed = await stage.get(token, one, { method: 'PATCH', body: { summary: 'Dinner', subject: 'Dinner' } })
      expect(changed.status).toBe(200)
      expect((await stage.get(token, one)).json).toMatchObject(
        provider === 'google' ? { summary: 'Dinner' } : { subject: 'Dinner' },
      )
      const gone = await stage.get(token, one, { method: 'DELETE' })
      expect([gone.status, gone.text]).toEqual([204, ''])
      expect(await titlesIn(provider, token)).toEqual([])
      expect((await stage.get(token, one, { method: 'DELETE' })).status).toBe(404)
    })

    it('an account that its owner has connected is written with the owner’s own token', async () => {
      const token = await stage.ownersTokenFor(provider, email, ['read_write'])
      const made = await stage.get(token, events, { method: 'POST', body: EVENT })
      expect(made.status).toBeLessThan(300)
      expect(await titlesIn(provider, token)).toEqual(['Secret lunch'])
    })

    it('a grant to read writes nothing, and is told the scope', async () => {
      const token = await stage.tokenFor(provider, email, ['read_only'])
      const refused = await stage.get(token, events, { method: 'POST', body: EVENT })
      expect(said(refused)).toBe('403 insufficient_scope')
      expect(refused.headers['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="create_event"')
      expect(changesAt(provider)).toEqual([])
    })

    it('a grant to write alone does not learn from a change what stood there', async () => {
      const full = await stage.tokenFor(provider, email, ['read_write'])
      const { json } = await stage.get(full, events, { method: 'POST', body: EVENT })
      const token = await stage.tokenFor(provider, email, ['write_only'])
      const one = `${events}/${encodeURIComponent(json.id)}`
      const { status, text } = await stage.get(token, one, { method: 'PATCH', body: {} })
      expect([status, text]).toEqual([204, ''])
      expect(said(await stage.get(token, one))).toBe('403 insufficient_scope')
      expect((await stage.get(token, one, { method: 'DELETE' })).status).toBe(204)
    })

    it('a body comes through in pieces, whatever their number', async () => {
      const token = await stage.tokenFor(provider, email, ['read_write'])
      const body = [...JSON.stringify(EVENT)]
      expect((await stage.get(token, events, { method: 'POST', body })).status).toBeLessThan(300)
      expect(await titlesIn(provider, token)).toEqual(['Secret lunch'])
    })

    it.each([
      ['announced', (text: string) => text],
      ['that is not announced', (text: string) => text.match(/.{1,65536}/gs)!],
    ])('a body too large, of a length %s, is refused and does nothing', async (_, sent) => {
      const token = await stage.tokenFor(provider, email, ['read_write'])
      const large = JSON.stringify({ ...EVENT, description: 'x'.repeat(400 * 1024) })
      const answer = stage.get(token, events, { method: 'POST', body: sent(large) })
      // Whoever goes on sending after the answer may find the connection closed before reading it.
      expect(await answer.then(said).catch(({ code }) => code)).toMatch(/^(?:413 too_large|ECONNRESET|EPIPE)$/)
      expect(await titlesIn(provider, token)).toEqual([])
    })

    it('whose caller goes away in the middle of it does nothing, and nobody is woken for it', async () => {
      const token = await stage.tokenFor(provider, email, ['read_write'])
      await titlesIn(provider, token)
      stage.logged.length = 0
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const call = request(stage.url + events, { method: 'POST', headers })
      const broken = new Promise((resolve) => call.once('error', resolve))
      call.write(JSON.stringify(EVENT).slice(0, 40))
      const begun = () => changesAt(provider).some(({ status }) => status === null)
      await until('half of it to have come', begun)
      call.destroy(new Error('gone'))
      await broken
      await until('it to be given up', () => stage.logged.some((line) => line.includes('caller_left')))
      expect(await titlesIn(provider, token)).toEqual([])
      expect(stage.logged.filter((line) => JSON.parse(line).level >= 40)).toEqual([])
    })

    it('is JSON, or is refused', async () => {
      const token = await stage.tokenFor(provider, email, ['read_write'])
      for (const type of [
        'application/x-www-form-urlencoded',
        'text/plain',
        'multipart/mixed; boundary=x',
        'application/jsonx',
      ]) {
        const headers = { 'content-type': type }
        expect(said(await stage.get(token, events, { method: 'POST', body: 'a=1', headers }))).toBe(
          '415 unsupported_media_type',
        )
      }
      expect(changesAt(provider)).toEqual([])
    })

    it('is sent once: a token that is no longer taken is replaced, and the caller asks again', async () => {
      const token = await stage.tokenFor(provider, email, ['read_write'])
      await titlesIn(provider, token)
      // A world that has been seeded anew knows no token from before.
      stage.reset()
      const refused = await stage.get(token, events, { method: 'POST', body: EVENT })
      expect([said(refused), refused.headers['retry-after']]).toEqual(['503 provider.unavailable', '1'])
      expect(changesAt(provider)).toHaveLength(1)
      expect((await stage.get(token, events, { method: 'POST', body: EVENT })).status).toBeLessThan(300)
      expect(await titlesIn(provider, token)).toEqual(['Secret lunch'])
    })

    it('is sent once: where the connection breaks, the caller is told that nobody knows', async () => {
      const token = await stage.tokenFor(provider, email, ['read_write'])
      await titlesIn(provider, token)
      stage.sandbox[provider].faults.add({
        method: 'POST',
        path: provider === 'google' ? '/calendar/*' : '/v1.0/*',
        reset: true,
      })
      stage.sandbox[provider].journal.clear()
      const broken = await stage.get(token, events, { method: 'POST', body: EVENT })
      expect(said(broken)).toBe('503 provider.unavailable')
      expect(broken.json.error_description).toContain('not known')
      expect(changesAt(provider)).toHaveLength(1)
    })

    const breakWrites = (fault: FaultRule) =>
      stage.sandbox[provider].faults.add({ path: provider === 'google' ? '/calendar/*' : '/v1.0/*', ...fault })

    it.each<[string, FaultRule]>([
      ['fails', { answer: { status: 502, json: {} } }],
      ['answers with a page of HTML', { answer: { status: 200, html: '<p>Done?</p>' } }],
    ])('is sent once: where the provider %s, the caller is told that nobody knows', async (_, fault) => {
      const token = await stage.tokenFor(provider, email, ['read_write'])
      await titlesIn(provider, token)
      breakWrites({ method: 'POST', ...fault })
      const { json } = await stage.get(token, events, { method: 'POST', body: EVENT })
      expect([json.error, json.error_description]).toEqual([
        'provider.unavailable',
        expect.stringContaining('not known'),
      ])
    })

    it('is done for a grant to write alone though the answer breaks off that it would not see', async () => {
      const full = await stage.tokenFor(provider, email, ['read_write'])
      const { json } = await stage.get(full, events, { method: 'POST', body: EVENT })
      const token = await stage.tokenFor(provider, email, ['write_only'])
      stage.sandbox[provider].http.server.prependListener('request', breakOff)
      const one = `${events}/${encodeURIComponent(json.id)}`
      const { status, text } = await stage.get(token, one, { method: 'PATCH', body: {} })
      expect([status, text]).toEqual([204, ''])
      stage.sandbox[provider].http.server.off('request', breakOff)
    })

    it('is on record before it is sent, by what kind of change it was, and its body is nowhere', async () => {
      const token = await stage.tokenFor(provider, email, ['read_write'])
      stage.logged.length = 0
      await stage.get(token, events, { method: 'POST', body: EVENT })
      const rows = await rowsOf(
        url,
        `select mailbox, details from audit_arrivals where act = 'mailbox.changed' order by id`,
      )
      expect(rows.at(-1)).toEqual({
        mailbox: email,
        details: JSON.stringify({ shape: provider === 'google' ? 'google.events.insert' : 'microsoft.events.create' }),
      })
      expect(JSON.stringify(rows) + stage.logged.join()).not.toContain('Secret lunch')
    })
  })

  it.each(['PATCH', 'PUT'])(
    'deletes no event at Google by a %s that cancels it, without the scope for that',
    async (method) => {
      const events = `${GOOGLE}/calendars/primary/events`
      const changer = await stage.tokenFor('google', 'anna@acme.test', ['read_events', 'create_event'])
      const { json } = await stage.get(changer, events, { method: 'POST', body: EVENT })
      const one = `${events}/${json.id}`
      for (const body of [
        JSON.stringify({ ...EVENT, status: 'cancelled' }),
        JSON.stringify({ ...EVENT, status: 'confirmed' }).replace(/}$/, ',"status":"\\u0063ancelled"}'),
        "{'status':'cancelled'}",
      ]) {
        const refused = await stage.get(changer, one, { method, body })
        expect([refused.status, (await stage.get(changer, one)).json.status]).toEqual([403, 'confirmed'])
      }
      const changed = await stage.get(changer, one, {
        method,
        body: { ...EVENT, summary: 'Dinner', status: 'confirmed' },
      })
      expect([changed.status, changed.json.summary]).toEqual([200, 'Dinner'])
      const full = await stage.tokenFor('google', 'anna@acme.test', ['read_write'])
      expect((await stage.get(full, one, { method, body: { ...EVENT, status: 'cancelled' } })).status).toBe(200)
      expect((await stage.get(full, one)).status).toBe(404)
    },
  )

  it('reaches a room at Google, and not the administrator with whose token that is done', async () => {
    const token = await stage.tokenFor('google', LOVELACE, ['read_write'])
    const events = `${GOOGLE}/calendars/${encodeURIComponent(LOVELACE)}/events`
    expect((await stage.get(token, events, { method: 'POST', body: EVENT })).status).toBe(200)
    const [change] = changesAt('google').slice(-1)
    expect(change!.path).toContain(encodeURIComponent(LOVELACE))
    const admins = `${GOOGLE}/calendars/admin@acme.test/events`
    expect(said(await stage.get(token, admins, { method: 'POST', body: EVENT }))).toBe('403 not_admitted')
  })

  it('answers an invitation at Microsoft with the scope for that, and changes nothing else with it', async () => {
    const full = await stage.tokenFor('microsoft', 'milton@initech.test', ['read_write'])
    const { json } = await stage.get(full, `${MICROSOFT}/me/events`, { method: 'POST', body: EVENT })
    const token = await stage.tokenFor('microsoft', 'milton@initech.test', ['change_participation_status'])
    const one = `${MICROSOFT}/me/events/${encodeURIComponent(json.id)}`
    const declined = await stage.get(token, `${one}/decline`, { method: 'POST', body: { sendResponse: true } })
    expect([declined.status, declined.text]).toEqual([202, ''])
    for (const [method, path] of [
      ['POST', `${one}/cancel`],
      ['DELETE', one],
      ['PATCH', one],
    ])
      expect(said(await stage.get(token, path!, { method: method!, body: {} }))).toBe('403 insufficient_scope')
  })

  it('opens no calendar at Microsoft that a colleague has shared', async () => {
    const token = await stage.tokenFor('microsoft', 'milton@initech.test', ['read_write'])
    const { json } = await stage.get(token, `${MICROSOFT}/me/calendars`)
    const [own, team, shared] = json.value.map(
      ({ id }: { id: string }) => `${MICROSOFT}/me/calendars/${encodeURIComponent(id)}/events`,
    )
    expect(said(await stage.get(token, shared, { method: 'POST', body: EVENT }))).toBe(
      '403 microsoft.calendar_of_another',
    )
    expect(changesAt('microsoft')).toEqual([])
    for (const path of [own, team])
      expect((await stage.get(token, path, { method: 'POST', body: EVENT })).status).toBe(201)
  })

  it.each<[string, string, StageProvider, string]>([
    ['a colleague’s event at Google', `${GOOGLE}/calendars/ben@acme.test/events`, 'google', 'anna@acme.test'],
    [
      'a colleague’s event at Microsoft',
      `${MICROSOFT}/users/bill@initech.test/events`,
      'microsoft',
      'milton@initech.test',
    ],
    ['a batch at Google', '/v1/proxy/google/batch/calendar/v3', 'google', 'anna@acme.test'],
    ['a batch at Microsoft', `${MICROSOFT}/$batch`, 'microsoft', 'milton@initech.test'],
    [
      'a path around the fence',
      `${MICROSOFT}/me/../users/bill@initech.test/events`,
      'microsoft',
      'milton@initech.test',
    ],
    ['mail', `${MICROSOFT}/me/sendMail`, 'microsoft', 'milton@initech.test'],
  ])('does not reach %s', async (_, target, provider, email) => {
    const token = await stage.tokenFor(provider, email, ['read_write'])
    stage.sandbox[provider].journal.clear()
    expect(said(await stage.get(token, target, { method: 'POST', body: EVENT }))).toBe('403 not_admitted')
    expect(stage.sandbox[provider].journal.list()).toEqual([])
  })

  it('does not reach out of a body at Microsoft, nor by a header that names another method', async () => {
    const token = await stage.tokenFor('microsoft', 'milton@initech.test', ['read_write'])
    await titlesIn('microsoft', token)
    const elsewhere = 'https://graph.microsoft.com/v1.0/users/bill@initech.test/calendar'
    const body = { ...EVENT, 'calendar@odata.bind': elsewhere }
    expect(said(await stage.get(token, `${MICROSOFT}/me/events`, { method: 'POST', body }))).toBe('403 not_admitted')
    expect(await titlesIn('microsoft', token)).toEqual([])
    const headers = { 'x-http-method-override': 'DELETE', 'x-http-method': 'DELETE' }
    const made = await stage.get(token, `${MICROSOFT}/me/events`, { method: 'POST', body: EVENT, headers })
    expect(made.status).toBe(201)
  })

  it('is not held by anybody who has no token: no body is read before', async () => {
    const body = 'x'.repeat(200 * 1024)
    expect(said(await stage.get(null, `${GOOGLE}/calendars/primary/events`, { method: 'POST', body }))).toBe(
      '401 invalid_token',
    )
  })
})
