import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type ConnectClient, type ConnectStage, openConnectStage, PersonVisit } from './connect-stage.js'

const RETURN_TO = 'https://mydomain.test/success'

describe('integrations in the Work-API dialect', () => {
  const database = testDatabase()
  let stage: ConnectStage
  let client: ConnectClient

  beforeAll(async () => {
    stage = await openConnectStage(database.url)
    client = await stage.addConnectClient('Livil', RETURN_TO)
  })
  afterAll(() => stage.close())

  const call = async (method: string, path: string, { body, userId = 'user-1', by = client }: Call = {}) => {
    const answer = await fetch(stage.url + path, {
      ...{ method, redirect: 'manual' },
      headers: {
        authorization: `Bearer ${await by.userToken(userId)}`,
        ...(body && !(body instanceof URLSearchParams) && { 'content-type': 'application/json' }),
      },
      body: body instanceof URLSearchParams ? body : body ? JSON.stringify(body) : null,
    })
    return { status: answer.status, headers: answer.headers, body: JSON.parse((await answer.text()) || 'null') }
  }
  interface Call {
    body?: object
    userId?: string
    by?: ConnectClient
  }

  const create = async (provider: string, media_type: string, userId = 'user-1') =>
    (await call('POST', '/integrations', { body: { provider, media_type }, userId })).body.id as string
  const show = async (id: string, userId = 'user-1') => (await call('GET', `/integrations/${id}`, { userId })).body
  const uriOf = async (id: string, userId = 'user-1') =>
    (await call('GET', `/auth/integrations/${id}?return_to=${encodeURIComponent(RETURN_TO)}`, { userId })).body.uri
  const connect = async (id: string, email: string, userId = 'user-1') =>
    new PersonVisit(RETURN_TO).connect(await uriOf(id, userId), email)

  it('makes a record that waits for its account', async () => {
    const { status, body } = await call('POST', '/integrations', { body: { provider: 'gmail', media_type: 'email' } })
    expect(status).toBe(201)
    expect(body).toEqual({
      ...{ id: expect.stringMatching(/^int_[0-9a-f]{24}$/), provider: 'gmail', media_type: 'email', status: 'pending' },
      ...{ email: null, created_at: expect.stringMatching(/Z$/), updated_at: expect.stringMatching(/Z$/) },
    })
  })

  it.each([
    ['gmail', 'email', 'anna@acme.test'],
    ['google_calendar', 'calendar', 'anna@acme.test'],
    ['google_drive', 'files', 'ben@acme.test'],
    ['outlook', 'email', 'milton@initech.test'],
    ['office365_calendar', 'calendar', 'bill@initech.test'],
    ['onedrive', 'files', 'bill@initech.test'],
  ])('connects %s for %s, and returns to where the client said', async (provider, mediaType, email) => {
    const id = await create(provider, mediaType)
    const asked = await call('GET', `/auth/integrations/${id}?return_to=${encodeURIComponent(RETURN_TO)}`)
    expect(asked).toMatchObject({ status: 200, body: { uri: expect.stringMatching(/^http.*[?&]state=/) } })
    expect(Object.keys(asked.body)).toEqual(['uri'])
    const back = await new PersonVisit(RETURN_TO).connect(asked.body.uri, email)
    expect(back.url.href).toBe(RETURN_TO)
    expect(await show(id)).toEqual({
      ...{ id, provider, media_type: mediaType, status: 'connected', email },
      ...{ created_at: expect.stringMatching(/Z$/), updated_at: expect.stringMatching(/Z$/) },
    })
  })

  it('keeps its account when another one comes back, says so, and has it on record', async () => {
    const id = await create('gmail', 'email', 'user-keeps')
    await connect(id, 'anna@acme.test', 'user-keeps')
    const { url } = await connect(id, 'ben@acme.test', 'user-keeps')
    expect(url.searchParams.get('error')).toBe('wrong_account')
    expect(await show(id, 'user-keeps')).toMatchObject({ status: 'connected', email: 'anna@acme.test' })
    const steps = await stage.sql(`select step, sealed_attempt from sign_ins where integration_id = $1 order by id`, [
      id,
    ])
    expect(steps).toEqual(
      expect.arrayContaining([
        { step: 'connected', sealed_attempt: null },
        { step: 'ended', sealed_attempt: null },
      ]),
    )
    const refused = await stage.sql(`select reason from audit_arrivals where act = 'account.refused'
      union all select reason from audit_events where act = 'account.refused'`)
    expect(refused).toContainEqual({ reason: 'wrong_account' })
  })

  it('keeps both uses of one account when they were connected one after the other', async () => {
    const connected = (await call('GET', '/integrations')).body.integrations.filter(
      ({ email }: { email: string }) => email === 'anna@acme.test',
    )
    expect(connected.map(({ status }: { status: string }) => status)).toEqual(['connected', 'connected'])
    const [row] = await stage.sql(
      `select c.granted_scopes from user_credentials c join accounts a on a.id = c.id where a.email = 'anna@acme.test'`,
    )
    expect(row!.granted_scopes).toEqual(
      expect.arrayContaining(['https://mail.google.com/', 'https://www.googleapis.com/auth/calendar']),
    )
  })

  it('sends the browser on by itself when asked to', async () => {
    const id = await create('gmail', 'email')
    const { status, headers } = await call('GET', `/auth/integrations/${id}?redirect=true`)
    expect(status).toBe(302)
    expect(headers.get('location')).toMatch(new RegExp(`^${stage.sandbox.google.url}/o/oauth2/v2/auth\\?`))
  })

  // The scopes that the guide has apps ask for.
  it.each([
    ['gmail', 'email', 'https://mail.google.com/'],
    ['google_calendar', 'calendar', 'https://www.googleapis.com/auth/calendar'],
    ['google_drive', 'files', 'https://www.googleapis.com/auth/drive'],
  ])('connects %s by the code that an Android app got for its server, once', async (provider, mediaType, scope) => {
    const userId = `user-android-${provider}`
    const id = await create(provider, mediaType, userId)
    const scopes = ['openid', 'email', scope]
    const issued = stage.sandbox.google.mutate('issue-server-auth-code', { email: 'carla@acme.example', scopes })
    const body = new URLSearchParams({ code: (issued as { code: string }).code })
    const path = `/auth/authcode/${id}`
    const answer = await call('POST', path, { body, userId })
    expect(answer).toMatchObject({ status: 200, body: { id, status: 'connected', email: 'carla@acme.example' } })
    expect(await call('POST', path, { body, userId })).toMatchObject({
      ...{ status: 403, body: { error: 'sign_in_failed', error_description: expect.stringMatching(/\.$/) } },
    })
  })

  it('has no such codes at Microsoft', async () => {
    const id = await create('outlook', 'email', 'user-android')
    const body = new URLSearchParams({ code: 'x' })
    expect(await call('POST', `/auth/authcode/${id}`, { body, userId: 'user-android' })).toMatchObject({ status: 409 })
  })

  it('shows what was connected in another dialect, and ends it there too', async () => {
    const url = `${stage.url}/v1/integrations`
    const headers = { authorization: `Bearer ${await client.userToken('user-both')}` }
    const asked = await fetch(`${url}/google/oauth/authorizationUrl?redirect_url=${RETURN_TO}`, { headers })
    await new PersonVisit(RETURN_TO).connect((await asked.json()).authorizationUrl, 'ben@acme.test')

    const [shown, ...others] = (await call('GET', '/integrations', { userId: 'user-both' })).body.integrations
    expect(others).toEqual([])
    expect(shown).toMatchObject({ provider: 'google_calendar', media_type: 'calendar', status: 'connected' })
    expect(await show(shown.id, 'user-both')).toEqual(shown)

    expect((await call('DELETE', `/integrations/${shown.id}`, { userId: 'user-both' })).status).toBe(204)
    const left = await (await fetch(`${url}/accounts/list`, { headers })).json()
    expect(left.data.accounts).toEqual([])
  })

  it('ends the access with the last record that stands for it, and not before', async () => {
    const ids = [await create('gmail', 'email', 'user-two'), await create('gmail', 'email', 'user-two')]
    for (const id of ids) await connect(id, 'anna@acme.test', 'user-two')
    const remove = (id: string) => call('DELETE', `/integrations/${id}`, { userId: 'user-two' })
    await remove(ids[0]!)
    expect(await show(ids[1]!, 'user-two')).toMatchObject({ status: 'connected' })
    await remove(ids[1]!)
    const live = await stage.sql(
      `select 1 from grants g join accounts a on a.id = g.account_id where a.user_id = 'user-two' and g.revoked_at is null`,
    )
    expect(live).toEqual([])
    expect((await remove(ids[1]!)).status).toBe(404)
  })

  it('ends the access when the last two records are deleted at once', async () => {
    for (let round = 0; round < 5; round++) {
      const userId = `user-at-once-${round}`
      const ids = [await create('gmail', 'email', userId), await create('gmail', 'email', userId)]
      for (const id of ids) await connect(id, 'ben@acme.test', userId)
      const removed = await Promise.all(ids.map((id) => call('DELETE', `/integrations/${id}`, { userId })))
      expect(removed.map(({ status }) => status)).toEqual([204, 204])
      expect((await call('GET', '/integrations', { userId })).body.integrations).toEqual([])
    }
  })

  it('refuses what a product does not have, and names what it has', async () => {
    const wrong = { provider: 'gmail', media_type: 'files' }
    expect(await call('POST', '/integrations', { body: wrong })).toMatchObject({
      ...{ status: 422, body: { errors: { media_type: [{ description: 'gmail has: email, contacts' }] } } },
    })
    expect(await call('POST', '/integrations', { body: { provider: 'aol' } })).toMatchObject({
      ...{ status: 422, body: { errors: { provider: [{}], media_type: [{ key: 'errors.required' }] } } },
    })
  })

  it('makes no more records for one user than it lists', async () => {
    const make = () =>
      call('POST', '/integrations', { userId: 'user-many', body: { provider: 'gmail', media_type: 'email' } })
    await stage.sql(
      `insert into integrations (id, client_id, user_id, provider, media_type, created_at, updated_at)
       select 'int_many' || n, $1, 'user-many', 'gmail', 'email', now(), now() from generate_series(1, 199) n`,
      [client.id],
    )
    const { status, body } = await make()
    expect(status).toBe(201)
    expect(await make()).toMatchObject({ status: 409, body: { error: 'conflict' } })
    expect((await call('DELETE', `/integrations/${body.id}`, { userId: 'user-many' })).status).toBe(204)
    expect((await make()).status).toBe(201)
  })

  it.each(['%00', 'int_%00', '%20', `int_${'9'.repeat(2_000)}`])('is not there under the id %s', async (id) => {
    const code = { body: new URLSearchParams({ code: 'x' }) }
    expect((await call('GET', `/integrations/${id}`)).status).toBe(404)
    expect((await call('DELETE', `/integrations/${id}`)).status).toBe(404)
    expect((await call('GET', `/auth/integrations/${id}`)).status).toBe(404)
    expect((await call('POST', `/auth/authcode/${id}`, code)).status).toBe(404)
    expect((await call('POST', `/v1/integrations/accounts/${id}/disconnect`)).status).toBe(404)
  })

  it('is there for its own user of its own client only', async () => {
    const id = await create('gmail', 'email')
    const other = await stage.addConnectClient('Other', RETURN_TO)
    for (const stranger of [{ userId: 'user-2' }, { by: other }]) {
      for (const [method, path] of [
        ['GET', `/integrations/${id}`],
        ['DELETE', `/integrations/${id}`],
        ['GET', `/auth/integrations/${id}`],
        ['POST', `/auth/authcode/${id}`],
      ] as const)
        expect(
          (await call(method, path, { ...stranger, ...(method === 'POST' && { body: { code: 'x' } }) })).status,
        ).toBe(404)
    }
  })
})
