import type { StandIn } from '../../core/stand-in.js'
import { defaultMicrosoftSeed, INITECH, type MicrosoftAppCredentials } from '../default-seed.js'
import { startMicrosoft } from '../microsoft-stand-in.js'
import { type MicrosoftSeedInput, microsoftSeed } from '../seed.js'
import { GraphCaller } from './graph-caller.js'

const WEEK = 'startDateTime=2026-11-23T00:00:00Z&endDateTime=2026-11-30T00:00:00Z'

describe('calendars in Graph', () => {
  let seed: MicrosoftSeedInput
  let app: MicrosoftAppCredentials
  let standIn: StandIn
  let graph: GraphCaller
  let token: string

  beforeAll(async () => {
    ;({ seed, app } = await defaultMicrosoftSeed())
  })
  beforeEach(async () => {
    standIn = await startMicrosoft({ port: 0, seed: microsoftSeed.parse(seed) })
    graph = new GraphCaller(standIn, app)
    standIn.mutate('grant-consent')
    token = await graph.appToken(INITECH)
  })
  afterEach(() => standIn.close())

  const get = (path: string, bearer = token) => graph.call(bearer, path)
  const code = async (address: string, bearer = token) =>
    (await get(`/users/${address}/calendar`, bearer)).code ?? 'opened'
  const message = async (address: string) =>
    ((await get(`/users/${address}/calendar`)).body.error as { message: string }).message

  it('opens the calendar of a person, an alias, a blocked person and a room, and says whose it is', async () => {
    const calendar = await get('/users/milton@initech.test/calendar?$select=id,name,canEdit,owner')
    expect(calendar.body).toMatchObject({
      name: 'Calendar',
      canEdit: true,
      owner: { name: 'Milton Waddams', address: 'milton@initech.test' },
    })
    expect((await get('/users/bill.lumbergh@initech.test/calendar')).body.owner).toMatchObject({
      address: 'bill@initech.test',
    })
    expect(await code('room.apollo@initech.test')).toBe('opened')
    expect(await code('disabled@initech.test')).toBe('opened')
    const { value } = (await get('/users/milton@initech.test/calendars')).body
    expect(value?.map(({ name }) => name)).toEqual(['Calendar', 'Team', 'Bill Lumbergh'])
    expect((await get(`/users/milton@initech.test/calendars/${value?.[1]?.id}`)).body.name).toBe('Team')
    expect((await get(`/users/bill@initech.test/calendars/${value?.[1]?.id}`)).code).toBe('ErrorItemNotFound')
  })

  it('pages through a window of time, each event once, in order, the same after a restart', async () => {
    const read = async () => {
      const seen: Record<string, unknown>[] = []
      for (let path: string | undefined = `/users/milton@initech.test/calendarView?${WEEK}&$top=4`; path; ) {
        const { body } = await get(path)
        seen.push(...(body.value ?? []))
        path = body['@odata.nextLink']
      }
      return seen
    }
    const events = await read()
    expect(events).toHaveLength(10)
    const starts = events.map(({ start }) => (start as { dateTime: string }).dateTime)
    expect(starts).toEqual([...starts].sort())
    expect(starts[0]).toBe('2026-11-23T09:00:00.0000000')
    expect(new Set(events.map(({ id }) => id)).size).toBe(10)
    standIn.definition.seed.load(microsoftSeed.parse(seed))
    standIn.mutate('grant-consent')
    token = await graph.appToken(INITECH)
    expect(await read()).toEqual(events)
  })

  it('has one event by its id, in its own mailbox and calendar only', async () => {
    const { value } = (await get(`/users/milton@initech.test/calendarView?${WEEK}&$top=1`)).body
    const id = value?.[0]?.id
    expect((await get(`/users/milton@initech.test/events/${id}`)).body).toMatchObject({ id, subject: 'Stand-up' })
    expect((await get(`/users/bill@initech.test/events/${id}`)).code).toBe('ErrorItemNotFound')
    expect((await get('/users/milton@initech.test/events/AAMkAAAA')).code).toBe('ErrorItemNotFound')
    const team = (await get('/users/milton@initech.test/calendars')).body.value?.[1]?.id
    expect((await get(`/users/milton@initech.test/calendars/${team}/events/${id}`)).code).toBe('ErrorItemNotFound')
    const teamEvents = await get(`/users/milton@initech.test/calendars/${team}/calendarView?${WEEK}`)
    expect(teamEvents.body.value).toMatchObject([{ subject: 'Team meeting' }])
    expect((await get(`/users/milton@initech.test/calendars/${team}/events`)).body.value?.length).toBeGreaterThan(2)
    expect((await get('/users/milton@initech.test/events?$top=3')).body.value).toHaveLength(3)
  })

  it('asks for a window, and for one that can be read', async () => {
    expect((await get('/users/milton@initech.test/calendarView')).code).toBe('ErrorInvalidParameter')
    expect((await get('/users/milton@initech.test/calendarView?startDateTime=soon&endDateTime=later')).status).toBe(400)
    const decades = 'startDateTime=1990-01-01&endDateTime=2030-01-01'
    expect((await get(`/users/milton@initech.test/calendarView?${decades}`)).status).toBe(400)
    const unknown = await get(`/users/milton@initech.test/calendarView?${WEEK}&$filter=subject eq 'x'`)
    expect([unknown.status, unknown.code]).toEqual([400, 'BadRequest'])
  })

  it('says who is free and busy, and does not resolve a stranger', async () => {
    const schedules = ['milton@initech.test', 'room.gemini@initech.test', 'ursula@umbrella.test']
    const { body } = await graph.post(token, '/users/admin@initech.test/calendar/getSchedule', {
      schedules,
      startTime: { dateTime: '2026-11-23T08:00:00', timeZone: 'UTC' },
      endTime: { dateTime: '2026-11-23T11:00:00', timeZone: 'UTC' },
      availabilityViewInterval: 60,
    })
    expect(body.value).toMatchObject([
      { scheduleId: schedules[0], availabilityView: '020', scheduleItems: [{ status: 'busy' }] },
      { scheduleId: schedules[1] },
      { scheduleId: schedules[2], error: { responseCode: 'ErrorMailRecipientNotFound' } },
    ])
    expect((await graph.post(token, '/users/admin@initech.test/calendar/getSchedule', {})).status).toBe(400)
  })

  it('refuses each kind of mailbox as Exchange does', async () => {
    expect(await code('nobody@initech.test')).toBe('ErrorInvalidUser')
    expect(await code('nomailbox@initech.test')).toBe('ResourceNotFound')
    expect(await code('excluded@initech.test')).toBe('ErrorAccessDenied')
    expect(await message('excluded@initech.test')).toContain('[RAOP]')
    standIn.mutate('set-mailbox', { email: 'milton@initech.test', mailbox: 'on-premises' })
    expect(await code('milton@initech.test')).toBe('MailboxNotEnabledForRESTAPI')
    standIn.mutate('set-mailbox', { email: 'milton@initech.test', mailbox: 'soft-deleted' })
    expect(await code('milton@initech.test')).toBe('MailboxNotEnabledForRESTAPI')
    standIn.mutate('set-mailbox', { email: 'milton@initech.test', mailbox: 'enabled' })
    expect(await code('milton@initech.test')).toBe('opened')
  })

  it('lets the access policy be changed, and a policy of the other kind reach nobody else', async () => {
    standIn.mutate('include-mailbox', { email: 'excluded@initech.test' })
    standIn.mutate('exclude-mailbox', { email: 'milton@initech.test' })
    expect([await code('excluded@initech.test'), await code('milton@initech.test')]).toEqual([
      'opened',
      'ErrorAccessDenied',
    ])
    const [initech] = seed.tenants ?? []
    const mailboxPolicies = [
      { clientId: app.clientId, kind: 'allow-only' as const, mailboxes: ['milton@initech.test'] },
    ]
    standIn.definition.seed.load(microsoftSeed.parse({ ...seed, tenants: [{ ...initech, mailboxPolicies }] }))
    standIn.mutate('grant-consent')
    token = await graph.appToken(INITECH)
    expect([await code('milton@initech.test'), await code('bill@initech.test')]).toEqual([
      'opened',
      'ErrorAccessDenied',
    ])
    standIn.mutate('include-mailbox', { email: 'bill@initech.test' })
    expect(await code('bill@initech.test')).toBe('opened')
  })

  it('asks for the permission of each call, as it was when the token was issued', async () => {
    const without = async (...permissions: string[]) => {
      standIn.mutate('grant-consent', { permissions })
      return graph.appToken(INITECH)
    }
    const calendarsOnly = await without('Calendars.Read')
    expect(await code('milton@initech.test', calendarsOnly)).toBe('opened')
    for (const path of ['/users', '/users/milton@initech.test', '/organization'])
      expect((await get(path, calendarsOnly)).code).toBe('Authorization_RequestDenied')
    expect((await get('/places/microsoft.graph.room', calendarsOnly)).code).toBe('ErrorAccessDenied')
    expect((await get('/users/milton@initech.test/mailboxSettings', calendarsOnly)).code).toBe('ErrorAccessDenied')
    const settings = await without('MailboxSettings.Read')
    expect(await code('milton@initech.test', settings)).toBe('ErrorAccessDenied')
    const room = await get('/users/room.apollo@initech.test/mailboxSettings', settings)
    expect(room.body).toMatchObject({ userPurpose: { value: 'room' }, timeZone: 'W. Europe Standard Time' })
    const nothing = await without()
    expect(await code('milton@initech.test', nothing)).toBe('ErrorAccessDenied')
    expect(await code('milton@initech.test', calendarsOnly)).toBe('opened')
  })

  it('opens a person’s own calendar with a person’s token, and nobody else’s', async () => {
    const milton = await graph.userToken('milton@initech.test', 'openid Calendars.Read')
    expect((await get('/me/calendar', milton)).body.owner).toMatchObject({ address: 'milton@initech.test' })
    expect((await get(`/me/calendarView?${WEEK}`, milton)).body.value).toHaveLength(10)
    expect(await code('milton@initech.test', milton)).toBe('opened')
    expect(await code('bill@initech.test', milton)).toBe('ErrorAccessDenied')
    standIn.mutate('suspend-user', { email: 'milton@initech.test' })
    expect((await get('/me/calendar', milton)).status).toBe(401)
  })

  it('refuses a token that is missing, made up, expired or taken back', async () => {
    expect((await get('/users', '')).body.error).toMatchObject({
      code: 'InvalidAuthenticationToken',
      message: 'Access token is empty.',
    })
    const madeUp = await get('/users', 'made.up.token')
    expect([madeUp.status, madeUp.code]).toEqual([401, 'InvalidAuthenticationToken'])
    standIn.mutate('revoke-consent', { tokensToo: true })
    expect((await get('/users')).status).toBe(401)
    standIn.mutate('grant-consent')
    token = await graph.appToken(INITECH)
    standIn.mutate('revoke-consent')
    expect((await get('/users')).status).toBe(200)
    standIn.mutate('shift-clock', { seconds: 3600 })
    expect((await get('/users')).code).toBe('InvalidAuthenticationToken')
  })

  it('says so when a tenant has no Exchange', async () => {
    const [initech] = seed.tenants ?? []
    standIn.definition.seed.load(microsoftSeed.parse({ ...seed, tenants: [{ ...initech, exchange: false }] }))
    standIn.mutate('grant-consent')
    token = await graph.appToken(INITECH)
    const refused = await get('/users/milton@initech.test/calendar')
    expect([refused.status, refused.code]).toEqual([401, 'OrganizationFromTenantGuidNotFound'])
    expect((await get('/users')).status).toBe(200)
  })

  it('answers a batch like so many calls with the same token', async () => {
    const requests = [
      { id: '1', method: 'GET', url: '/users/milton@initech.test/calendar' },
      { id: '2', method: 'GET', url: '/users/excluded@initech.test/calendar' },
    ]
    const { body } = await graph.post(token, '/$batch', { requests })
    expect(body.responses).toMatchObject([
      { id: '1', status: 200, body: { name: 'Calendar' } },
      { id: '2', status: 403, body: { error: { code: 'ErrorAccessDenied' } } },
    ])
    const anonymous = await graph.post('', '/$batch', { requests: requests.slice(0, 1) })
    expect(anonymous.body.responses).toMatchObject([{ status: 401 }])
  })

  it('names the request in every refusal, and the segment that it does not know', async () => {
    const headers = { 'client-request-id': 'mine' }
    const unknown = await graph.call(token, '/users/milton@initech.test/messages', { headers })
    expect(unknown.status).toBe(400)
    expect(unknown.body.error).toMatchObject({
      code: 'BadRequest',
      message: "Resource not found for the segment 'messages'.",
      innerError: { 'client-request-id': 'mine', 'request-id': unknown.headers.get('request-id') },
    })
  })

  it('lets an event be written with the permission for it, changed, answered and deleted, in its mailbox alone', async () => {
    const mine = '/users/milton@initech.test/events'
    const times = { start: { dateTime: '2036-01-07T10:00:00' }, end: { dateTime: '2036-01-07T11:00:00' } }
    standIn.mutate('grant-consent', { permissions: ['Calendars.Read'] })
    const reader = await graph.appToken(INITECH)
    expect((await graph.post(reader, mine, { subject: 'Lunch', ...times })).code).toBe('ErrorAccessDenied')
    standIn.mutate('grant-consent', { permissions: ['Calendars.ReadWrite'] })
    const writer = await graph.appToken(INITECH)
    const made = await graph.post(writer, mine, { subject: 'Lunch', ...times })
    expect([made.status, made.body.subject]).toEqual([201, 'Lunch'])
    const subjects = async () => {
      const window = 'startDateTime=2036-01-07T10:00:00Z&endDateTime=2036-01-07T11:00:00Z'
      return (await get(`/users/milton@initech.test/calendarView?${window}`, writer)).body.value?.map(
        ({ subject }) => subject,
      )
    }
    const one = `${mine}/${made.body.id}`
    const send = (method: string, path: string, body?: object) =>
      fetch(`${standIn.url}/v1.0${path}`, {
        method,
        headers: { authorization: `Bearer ${writer}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      }).then(({ status }) => status)
    expect(await send('PATCH', one, { subject: 'Dinner' })).toBe(200)
    expect(await subjects()).toEqual(['Dinner'])
    expect(await send('POST', `${one}/decline`, {})).toBe(202)
    expect(await send('DELETE', `/users/bill@initech.test/events/${made.body.id}`)).toBe(404)
    expect(await send('DELETE', one)).toBe(204)
    expect(await subjects()).toEqual([])
  })
})
