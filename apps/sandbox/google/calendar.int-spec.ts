import { type Sandbox, startSandbox } from '../sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../seed/default-seed.js'
import type { SandboxSeed } from '../seed/seed-schema.js'
import { vendorClients } from './vendor-clients.js'

const scope = (name: string) => `https://www.googleapis.com/auth/calendar${name}`
const FULL = [scope('')]
const ROOM = 'c_1884lovelace0board0room@resource.calendar.google.com'
const HOLIDAYS = 'en.german#holiday@group.v.calendar.google.com'

describe('the Calendar', () => {
  let operator: OperatorCredentials
  let seed: SandboxSeed
  let sandbox: Sandbox
  let timeMin: string
  let timeMax: string

  beforeAll(async () => {
    ;({ seed, operator } = await defaultSeed())
    sandbox = await startSandbox({ seed })
  })
  afterAll(() => sandbox.stop())

  beforeEach(() => {
    sandbox.google.reseed(seed.google)
    sandbox.google.journal.clear()
    const scopes = [
      '',
      '.readonly',
      '.events.readonly',
      '.calendarlist.readonly',
      '.freebusy',
      '.calendars.readonly',
    ].map(scope)
    sandbox.google.mutate('add-delegation', { clientId: operator.googleKeyFile.client_id, scopes })
    timeMin = new Date().toISOString()
    timeMax = new Date(Date.now() + 14 * 24 * 3_600_000).toISOString()
  })

  const calendarOf = (subject: string, scopes = FULL) => {
    const clients = vendorClients(sandbox.google.url, operator)
    return clients.calendar(clients.delegated(operator.googleKeyFile, subject, scopes))
  }
  const anna = (scopes = FULL) => calendarOf('anna@acme.test', scopes)
  const refusal = (status: number, reason: string) => ({
    status,
    response: { data: { error: { code: status, errors: [{ reason }] } } },
  })

  it('says whose calendar it is, by every name of it', async () => {
    for (const calendarId of ['primary', 'anna@acme.test', 'anna.arnold@acme.test']) {
      expect((await anna().calendars.get({ calendarId })).data).toMatchObject({
        id: 'anna@acme.test',
        kind: 'calendar#calendar',
      })
    }
    expect((await calendarOf('anna.arnold@acme.test').calendars.get({ calendarId: 'primary' })).data.id).toBe(
      'anna@acme.test',
    )
  })

  it('lists the calendars that a person sees', async () => {
    const { data } = await anna().calendarList.list()
    expect(data.items).toMatchObject([
      { id: 'anna@acme.test', primary: true, accessRole: 'owner' },
      { id: HOLIDAYS, accessRole: 'reader' },
    ])
    expect((await anna().calendarList.get({ calendarId: 'primary' })).data.id).toBe('anna@acme.test')
    expect((await anna().calendarList.get({ calendarId: HOLIDAYS })).data.summary).toContain('Holidays')
    await expect(anna().calendarList.get({ calendarId: 'ben@acme.test' })).rejects.toMatchObject(
      refusal(404, 'notFound'),
    )
    const page = (await anna().calendarList.list({ maxResults: 1 })).data
    expect((await anna().calendarList.list({ pageToken: page.nextPageToken! })).data.items).toHaveLength(1)
  })

  it('lists events of a time range, by pages, the same every time, and gets one', async () => {
    const range = { calendarId: 'primary', timeMin, timeMax, singleEvents: true, orderBy: 'startTime' }
    const whole = (await anna().events.list(range)).data.items!
    expect(whole.length).toBeGreaterThan(3)
    const starts = whole.map(({ start }) => start!.dateTime!)
    expect(starts).toEqual([...starts].sort())
    expect(whole.every(({ start, end }) => end!.dateTime! > timeMin && start!.dateTime! < timeMax)).toBe(true)
    const first = (await anna().events.list({ ...range, maxResults: 2 })).data
    const second = (await anna().events.list({ ...range, pageToken: first.nextPageToken! })).data
    expect([...first.items!, ...second.items!]).toEqual(whole)
    expect((await anna().events.get({ calendarId: 'primary', eventId: whole[1]!.id! })).data).toEqual(whole[1])
    const others = (await calendarOf('ben@acme.test').events.list(range)).data.items!
    expect(others.map(({ id }) => id)).not.toEqual(whole.map(({ id }) => id))
    await expect(
      calendarOf('ben@acme.test').events.get({ calendarId: 'primary', eventId: whole[1]!.id! }),
    ).rejects.toMatchObject(refusal(404, 'notFound'))
  })

  it.each<[string, object]>([
    ['a time without offset', { timeMin: '2026-01-01T00:00:00' }],
    ['an empty range', { timeMin: '2026-02-01T00:00:00Z', timeMax: '2026-01-01T00:00:00Z' }],
    ['an order that needs single events', { orderBy: 'startTime' }],
    ['a page token of its own', { pageToken: 'next' }],
    ['no results', { maxResults: 0 }],
  ])('answers 400 to %s', async (_what, options) => {
    await expect(anna().events.list({ calendarId: 'primary', ...options })).rejects.toMatchObject({ status: 400 })
  })

  it('hides the calendars of other people, and the rooms of other organisations', async () => {
    for (const calendarId of ['ben@acme.test', 'greg@globex.test', 'c_1990globex0room@resource.calendar.google.com']) {
      await expect(calendarOf('admin@acme.test').calendars.get({ calendarId })).rejects.toMatchObject(
        refusal(404, 'notFound'),
      )
      await expect(anna().events.list({ calendarId })).rejects.toMatchObject(refusal(404, 'notFound'))
    }
  })

  it('shows a room to an administrator of its organisation and to nobody else', async () => {
    const admin = calendarOf('admin@acme.test')
    expect((await admin.calendars.get({ calendarId: ROOM })).data).toMatchObject({ id: ROOM, summary: 'Lovelace' })
    expect((await admin.events.list({ calendarId: ROOM, timeMin, timeMax })).data.items!.length).toBeGreaterThan(0)
    await expect(anna().calendars.get({ calendarId: ROOM })).rejects.toMatchObject(refusal(404, 'notFound'))
  })

  it('answers free/busy per calendar, with an error where it cannot see', async () => {
    const ask = (items: string[]) => ({ requestBody: { timeMin, timeMax, items: items.map((id) => ({ id })) } })
    const { data } = await calendarOf('admin@acme.test').freebusy.query(ask(['admin@acme.test', ROOM, 'ben@acme.test']))
    const missing = { errors: [{ domain: 'global', reason: 'notFound' }], busy: [] }
    expect(data.calendars).toMatchObject({ [ROOM]: { busy: expect.any(Array) }, 'ben@acme.test': missing })
    const events = (await calendarOf('admin@acme.test').events.list({ calendarId: ROOM, timeMin, timeMax })).data.items!
    expect(data.calendars![ROOM]!.busy).toHaveLength(events.length)
    expect((await anna().freebusy.query(ask([ROOM]))).data.calendars![ROOM]).toEqual(missing)
    await expect(anna().freebusy.query({ requestBody: {} })).rejects.toMatchObject({ status: 400 })
    await expect(anna().freebusy.query({ requestBody: { timeMin, timeMax, items: [{}] } })).rejects.toMatchObject({
      status: 400,
    })
  })

  it('accepts exactly the scopes that Google accepts', async () => {
    const calls = (name: string) => {
      const calendar = anna([scope(name)])
      return {
        list: () => calendar.calendarList.list(),
        calendar: () => calendar.calendars.get({ calendarId: 'primary' }),
        events: () => calendar.events.list({ calendarId: 'primary' }),
        freeBusy: () => calendar.freebusy.query({ requestBody: { timeMin, timeMax, items: [{ id: 'primary' }] } }),
      }
    }
    const expected: Record<string, string[]> = {
      '.readonly': ['list', 'calendar', 'events', 'freeBusy'],
      '.events.readonly': ['events'],
      '.calendarlist.readonly': ['list'],
      '.calendars.readonly': ['calendar'],
      '.freebusy': ['freeBusy'],
    }
    for (const [name, admitted] of Object.entries(expected)) {
      for (const [call, send] of Object.entries(calls(name))) {
        const outcome = await send().then(
          () => 'admitted',
          (error) => error,
        )
        if (admitted.includes(call)) expect(outcome).toBe('admitted')
        else expect(outcome).toMatchObject(refusal(403, 'insufficientPermissions'))
      }
    }
  })

  it('is closed to a person whose Calendar service is off', async () => {
    const off = refusal(403, 'notACalendarUser')
    await expect(calendarOf('nocalendar@acme.test').calendars.get({ calendarId: 'primary' })).rejects.toMatchObject(off)
    sandbox.google.mutate('calendar-off', { email: 'anna@acme.test' })
    await expect(anna().calendarList.list()).rejects.toMatchObject(off)
    sandbox.google.mutate('calendar-on', { email: 'anna@acme.test' })
    expect((await anna().calendarList.list()).status).toBe(200)
  })

  it('answers 401 to a token that is missing, unknown, expired, or of a suspended person', async () => {
    const clients = vendorClients(sandbox.google.url, operator)
    const auth = clients.delegated(operator.googleKeyFile, 'anna@acme.test', FULL)
    const { access_token: token } = await auth.authorize()
    const status = async (authorization?: string) => {
      const answer = await fetch(`${sandbox.google.url}/calendar/v3/users/me/calendarList`, {
        ...(authorization && { headers: { authorization } }),
      })
      const { error } = (await answer.json()) as { error?: { errors: { reason: string }[] } }
      return [answer.status, error?.errors[0]?.reason]
    }
    expect(await status()).toEqual([401, 'required'])
    expect(await status('Bearer ya29.unknown')).toEqual([401, 'authError'])
    expect(await status(`Bearer ${token}`)).toEqual([200, undefined])
    sandbox.google.mutate('suspend-user', { email: 'anna@acme.test' })
    expect(await status(`Bearer ${token}`)).toEqual([401, 'authError'])
    sandbox.google.mutate('restore-user', { email: 'anna@acme.test' })
    sandbox.google.mutate('shift-clock', { seconds: 3600 })
    expect(await status(`Bearer ${token}`)).toEqual([401, 'authError'])
  })

  it('is written with a scope that lets it, in calendars that one may change, and keeps what was written', async () => {
    const scopes = ['.events', '.events.readonly', '.calendars'].map(scope)
    sandbox.google.mutate('add-delegation', { clientId: operator.googleKeyFile.client_id, scopes })
    const [writer, reader] = [anna([scope('.events')]), anna([scope('.events.readonly')])]
    const start = { dateTime: '2036-01-07T10:00:00Z' }
    const requestBody = { summary: 'Lunch', start, end: { dateTime: '2036-01-07T11:00:00Z' } }
    const calendarId = 'primary'
    await expect(reader.events.insert({ calendarId, requestBody })).rejects.toMatchObject(
      refusal(403, 'insufficientPermissions'),
    )
    const eventId = (await writer.events.insert({ calendarId, requestBody })).data.id!
    const titles = async () => {
      const { data } = await reader.events.list({ calendarId, timeMin: '2036-01-01T00:00:00Z' })
      return data.items!.map(({ summary }) => summary)
    }
    expect(await titles()).toEqual(['Lunch'])
    await writer.events.patch({ calendarId, eventId, requestBody: { summary: 'Dinner' } })
    expect(await titles()).toEqual(['Dinner'])
    await expect(
      calendarOf('ben@acme.test', [scope('.events')]).events.get({ calendarId, eventId }),
    ).rejects.toMatchObject(refusal(404, 'notFound'))
    await expect(writer.events.insert({ calendarId: HOLIDAYS, requestBody })).rejects.toMatchObject(
      refusal(404, 'notFound'),
    )
    expect((await writer.events.delete({ calendarId, eventId })).status).toBe(204)
    expect(await titles()).toEqual([])
    await expect(writer.calendars.insert({ requestBody: { summary: 'Mine' } })).rejects.toMatchObject(
      refusal(403, 'insufficientPermissions'),
    )
    expect(
      (await anna([scope('.calendars')]).calendars.insert({ requestBody: { summary: 'Mine' } })).data.summary,
    ).toBe('Mine')
  })
})
