import type { StandIn } from '../../core/stand-in.js'
import { defaultMicrosoftSeed, INITECH, type MicrosoftAppCredentials, UMBRELLA } from '../default-seed.js'
import { startMicrosoft } from '../microsoft-stand-in.js'
import { type MicrosoftSeedInput, microsoftSeed } from '../seed.js'
import { GraphCaller } from './graph-caller.js'

describe('the directory in Graph', () => {
  let seed: MicrosoftSeedInput
  let app: MicrosoftAppCredentials
  let standIn: StandIn
  let graph: GraphCaller
  let token: string

  beforeAll(async () => {
    ;({ seed, app } = await defaultMicrosoftSeed({ mailboxes: 30 }))
  })
  beforeEach(async () => {
    standIn = await startMicrosoft({ port: 0, seed: microsoftSeed.parse(seed) })
    graph = new GraphCaller(standIn, app)
    standIn.mutate('grant-consent')
    token = await graph.appToken(INITECH)
  })
  afterEach(() => standIn.close())

  const get = (path: string, bearer = token) => graph.call(bearer, path)

  it('lists people and rooms page by page, with the fields asked for', async () => {
    const seen: unknown[] = []
    let pages = 0
    for (let path: string | undefined = '/users?$top=10&$select=userPrincipalName'; path; pages += 1) {
      const { body } = await get(path)
      expect(Object.keys(body.value?.[0] ?? {}).sort()).toEqual(['id', 'userPrincipalName'])
      seen.push(...(body.value ?? []).map((user) => user.userPrincipalName))
      path = body['@odata.nextLink']
    }
    expect(pages).toBe(4)
    expect(seen).toHaveLength(7 + 2 + 30)
    expect(new Set(seen).size).toBe(39)
    expect(seen).toEqual(
      expect.arrayContaining(['admin@initech.test', 'room.apollo@initech.test', 'user00030@initech.test']),
    )
    expect((await get('/users?$top=1000')).status).toBe(400)
    expect((await get('/users?$search="displayName:a"')).status).toBe(400)
  })

  it('finds an account by id and sign-in name, and by another address only with a filter', async () => {
    const byName = await get('/users/BILL@initech.test')
    expect(byName.body).toMatchObject({ userPrincipalName: 'bill@initech.test', accountEnabled: true })
    expect((await get(`/users/${byName.body.id}`)).body.mail).toBe('bill@initech.test')
    const byAlias = await get('/users/bill.lumbergh@initech.test')
    expect([byAlias.status, byAlias.code]).toEqual([404, 'Request_ResourceNotFound'])
    const filtered = async (filter: string) =>
      (await get(`/users?$filter=${encodeURIComponent(filter)}`)).body.value?.map(
        ({ userPrincipalName }) => userPrincipalName,
      )
    expect(await filtered("proxyAddresses/any(a:a eq 'smtp:bill.lumbergh@initech.test')")).toEqual([
      'bill@initech.test',
    ])
    expect(await filtered("mail eq 'milton@initech.test'")).toEqual(['milton@initech.test'])
    expect(await filtered("mail eq 'bill.lumbergh@initech.test'")).toEqual([])
    expect(await filtered("userPrincipalName eq 'nobody@initech.test'")).toEqual([])
    expect(await filtered("startswith(mail,'a')")).toBeUndefined()
  })

  it('keeps an object id through a rename, and the old address as an alias', async () => {
    const before = await get('/users/milton@initech.test')
    standIn.mutate('rename-user', { email: 'milton@initech.test', to: 'm.waddams@initech.test' })
    expect((await get('/users/milton@initech.test')).status).toBe(404)
    expect((await get('/users/m.waddams@initech.test')).body.id).toBe(before.body.id)
    const calendar = await get('/users/milton@initech.test/calendar')
    expect(calendar.body.owner).toMatchObject({ address: 'm.waddams@initech.test' })
    standIn.mutate('delete-user', { email: 'm.waddams@initech.test' })
    expect((await get(`/users/${before.body.id}`)).code).toBe('Request_ResourceNotFound')
  })

  it('shows the organisation with its verified domains', async () => {
    expect((await get('/organization')).body.value).toMatchObject([
      {
        id: INITECH,
        displayName: 'Initech',
        verifiedDomains: [
          { name: 'initech.test', isDefault: true },
          { name: 'initech.onmicrosoft.test', isDefault: false },
        ],
      },
    ])
  })

  it('lists rooms in pages, room lists, and the rooms of a list', async () => {
    const first = await get('/places/microsoft.graph.room?$top=1')
    expect(first.body.value).toMatchObject([
      {
        emailAddress: 'room.apollo@initech.test',
        displayName: 'Apollo',
        capacity: 10,
        building: 'Main',
        floorNumber: 1,
      },
    ])
    const second = await get(first.body['@odata.nextLink'] ?? '')
    expect(second.body.value).toMatchObject([{ emailAddress: 'room.gemini@initech.test', bookingType: 'standard' }])
    expect(second.body).not.toHaveProperty('@odata.nextLink')
    const [list] = (await get('/places/microsoft.graph.roomlist')).body.value ?? []
    expect(list).toMatchObject({ emailAddress: 'main-building@initech.test' })
    const rooms = await get(`/places/${list?.emailAddress}/microsoft.graph.roomlist/rooms`)
    expect(rooms.body.value).toHaveLength(2)
    expect((await get('/places/room.gemini@initech.test')).body).toMatchObject({
      '@odata.type': '#microsoft.graph.room',
      displayName: 'Gemini',
    })
    expect((await get('/places/milton@initech.test')).code).toBe('ErrorItemNotFound')
  })

  it('knows a person’s own profile and administrator roles only for a person’s token', async () => {
    const scope = 'openid User.Read RoleManagement.Read.Directory'
    const admin = await graph.userToken('admin@initech.test', scope)
    expect((await get('/me', admin)).body).toMatchObject({ userPrincipalName: 'admin@initech.test' })
    for (const path of [
      '/me/memberOf/microsoft.graph.directoryRole',
      '/me/transitiveMemberOf/microsoft.graph.directoryRole',
    ])
      expect((await get(path, admin)).body.value).toMatchObject([
        { displayName: 'Global Administrator', roleTemplateId: '62e90394-69f5-4237-9190-012177145e10' },
      ])
    const userinfo = await graph.call(admin, `${standIn.url}/oidc/userinfo`)
    expect(userinfo.body).toMatchObject({ name: 'Alex Admin', email: 'admin@initech.test' })
    const milton = await graph.userToken('milton@initech.test', 'User.Read')
    expect((await get('/me/memberOf', milton)).body.value).toEqual([])
    expect((await get('/users/milton@initech.test', milton)).status).toBe(200)
    expect((await get('/users/bill@initech.test', milton)).code).toBe('Authorization_RequestDenied')
    expect((await get('/me')).body.error).toMatchObject({
      code: 'BadRequest',
      message: expect.stringContaining('delegated'),
    })
  })

  it('lists roles without saying which they are to a token that may not read roles', async () => {
    const plain = await graph.userToken('admin@initech.test', 'openid User.Read')
    expect((await get('/me/memberOf/microsoft.graph.directoryRole', plain)).body.value).toEqual([
      expect.objectContaining({ roleTemplateId: null, displayName: null }),
    ])
  })

  it('never shows one organisation anything of another', async () => {
    standIn.mutate('grant-consent', { organisation: 'umbrella.test' })
    const other = await graph.appToken(UMBRELLA)
    const milton = (await get('/users/milton@initech.test')).body.id
    for (const path of [
      '',
      '/calendar',
      '/calendarView?startDateTime=2026-11-23&endDateTime=2026-11-24',
      '/mailboxSettings',
    ])
      for (const who of [milton, 'milton@initech.test'])
        expect((await get(`/users/${who}${path}`, other)).status).toBe(path === '/mailboxSettings' ? 403 : 404)
    const everything = JSON.stringify([
      (await get('/users', other)).body,
      (await get('/organization', other)).body,
      (await get('/places/microsoft.graph.room', other)).body,
      (await get('/places/microsoft.graph.roomlist', other)).body,
    ])
    expect(everything).toContain('umbrella.test')
    expect(everything).not.toMatch(/initech/i)
    expect((await get('/places/room.apollo@initech.test', other)).code).toBe('ErrorItemNotFound')
    const person = await graph.userToken('ursula@umbrella.test', 'User.ReadBasic.All Calendars.Read')
    expect((await get('/users/milton@initech.test', person)).status).toBe(404)
    expect((await get('/users/milton@initech.test/calendar', person)).status).toBe(404)
  })
})
