import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import { type ConnectClient, type ConnectStage, openConnectStage, PersonVisit } from './connect-stage.js'

const REDIRECT_URI = 'https://app.acme-scheduler.test/connected'

/** What each field of the guide's example is made of. */
const ACCOUNT = {
  id: expect.stringMatching(/^acc_[0-9a-f]{24}$/),
  providerId: expect.any(String),
  userId: 'user-1',
  clientId: expect.stringMatching(/^cli_/),
  providerUserId: 'anna@acme.test',
  providerUserDisplayName: 'Anna Arnold',
  integrationId: 'google',
  auth: {
    mechanism: 'oauth',
    refreshTokenUpdatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    accessTokenUpdatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
  },
  lastCheckedAt: expect.stringMatching(/^\d{4}-.*Z$/),
  lastCheckedError: null,
  requiresAuthentication: null,
  createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
  updatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
}

describe('connecting an account in the Morgen dialect', () => {
  const database = testDatabase()
  let stage: ConnectStage
  let client: ConnectClient

  beforeAll(async () => {
    stage = await openConnectStage(database.url)
    client = await stage.addConnectClient('Acme Scheduler', REDIRECT_URI)
  })
  afterAll(() => stage.close())

  const call = async (method: string, path: string, { userId = 'user-1', by = client } = {}) => {
    const headers = { accept: 'application/json', authorization: `Bearer ${await by.userToken(userId)}` }
    const answer = await fetch(`${stage.url}/v1/integrations/${path}`, { method, headers })
    return { status: answer.status, body: JSON.parse((await answer.text()) || 'null') }
  }
  const authorizationUrl = async (providerId: string, redirectUrl: string | null = REDIRECT_URI) => {
    const query = redirectUrl === null ? '' : `?redirect_url=${encodeURIComponent(redirectUrl)}`
    const { status, body } = await call('GET', `${providerId}/oauth/authorizationUrl${query}`)
    expect(status).toBe(200)
    return body.authorizationUrl as string
  }
  const accounts = async (who?: { userId?: string; by?: ConnectClient }) =>
    (await call('GET', 'accounts/list', who)).body.data.accounts
  const connect = async (providerId: string, email: string) =>
    new PersonVisit(REDIRECT_URI).connect(await authorizationUrl(providerId), email)

  it('begins sixty sign-ins a minute for one user and no more, whatever another user does', async () => {
    const begin = (userId: string) => call('GET', 'google/oauth/authorizationUrl', { userId })
    const statuses = await Promise.all(Array.from({ length: 61 }, async () => (await begin('eager')).status))
    expect(statuses.sort()).toEqual([...Array(60).fill(200), 429])
    const headers = { authorization: `Bearer ${await client.userToken('eager')}` }
    const refused = await fetch(`${stage.url}/v1/integrations/o365/oauth/authorizationUrl`, { headers })
    expect([refused.status, (await refused.json()).error]).toEqual([429, 'too_many_requests'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await begin('patient')).status).toBe(200)
  })

  it('offers its providers to everybody, in the fields of the guide', async () => {
    const answer = await fetch(`${stage.url}/v1/integrations/list`)
    const body = await answer.json()
    expect(body).toEqual({ data: { integrations: expect.any(Array), groups: expect.any(Array) } })
    const { data } = body
    expect(data.integrations.map(({ id }: { id: string }) => id)).toEqual(['google', 'o365'])
    expect(data.groups).toEqual([{ displayName: 'Calendars', type: 'calendars' }])
    expect(data.integrations).toContainEqual({
      ...{ id: 'o365', groups: ['calendars'], displayName: 'Office 365', authenticationType: 'oauth' },
      authDescription: 'We will redirect you to your browser for the authentication with Microsoft.',
      ...{
        description: 'Manage your Office 365 calendar.',
        priority: 1,
        iconData: expect.any(String),
      },
    })
    for (const { iconData, ...integration } of data.integrations) {
      expect(Buffer.from(iconData, 'base64').toString()).toMatch(/^<svg/)
      expect(integration).toEqual({
        ...{ id: expect.any(String), groups: ['calendars'], displayName: expect.any(String) },
        ...{ authenticationType: 'oauth', authDescription: expect.any(String), description: expect.any(String) },
        priority: expect.any(Number),
      })
    }
  })

  it.each(['google', 'o365'] as const)('names the address of %s, in the fields of the guide', async (providerId) => {
    const path = `${providerId}/oauth/authorizationUrl?redirect_url=${encodeURIComponent(REDIRECT_URI)}`
    const { body } = await call('GET', path)
    expect(body).toEqual({ authorizationUrl: expect.any(String) })
    const { origin, searchParams } = new URL(body.authorizationUrl)
    const [standIn, app] = {
      google: [stage.sandbox.google, stage.operator.googleClient] as const,
      o365: [stage.sandbox.microsoft, stage.operator.microsoftApp] as const,
    }[providerId]
    expect(origin).toBe(new URL(standIn.url).origin)
    expect(Object.fromEntries(searchParams)).toMatchObject({
      ...{ client_id: app.clientId, response_type: 'code', state: expect.stringMatching(/^.{20,}$/) },
      redirect_uri: `${stage.url}/v1/integrations/${providerId}/oauth/callback`,
      scope: expect.stringMatching(/openid.*[Cc]alendar/),
    })
  })

  it.each([
    ['google', { providerUserId: 'anna@acme.test', providerUserDisplayName: 'Anna Arnold' }],
    ['o365', { providerUserId: 'milton@initech.test', providerUserDisplayName: 'Milton Waddams' }],
  ])('leads from %s back to the client, and lists the account', async (providerId, person) => {
    const back = await connect(providerId, person.providerUserId)
    expect(back.url.href).toBe(REDIRECT_URI)
    const { body } = await call('GET', 'accounts/list')
    expect(body).toEqual({ data: { accounts: expect.any(Array) } })
    const found = body.data.accounts.filter((each: typeof ACCOUNT) => each.integrationId === providerId)
    expect(found).toEqual([{ ...ACCOUNT, ...person, integrationId: providerId, clientId: client.id }])
  })

  it('keeps the id of an account that is connected again', async () => {
    const before = await accounts()
    await connect('google', 'anna@acme.test')
    expect((await accounts()).map(({ id }: { id: string }) => id)).toEqual(before.map(({ id }: { id: string }) => id))
  })

  it.each([
    ['google', 'anna@acme.test', () => stage.sandbox.google.mutate('revoke-consent', { email: 'anna@acme.test' })],
    [
      'o365',
      'milton@initech.test',
      () => stage.sandbox.microsoft.mutate('revoke-sessions', { email: 'milton@initech.test' }),
    ],
  ])(
    'notices by itself when the person has ended it at %s, and that they came back',
    async (providerId, email, end) => {
      const account = async () =>
        (await accounts()).find((each: typeof ACCOUNT) => each.integrationId === providerId) as typeof ACCOUNT
      const { id } = await account()
      end()
      await stage.sql('delete from provider_tokens')
      await stage.sql('update user_credentials set check_at = now() where id = $1', [id])
      const noticed = await until('the check', async () => (await account()).requiresAuthentication && account())
      expect(noticed).toMatchObject({ id, requiresAuthentication: true, lastCheckedError: expect.any(String) })

      await connect(providerId, email)
      expect(await account()).toMatchObject({ id, requiresAuthentication: null, lastCheckedError: null })
    },
  )

  it('lets go of an account whose last grant has ended by a replay', async () => {
    const { body } = await call('GET', 'google/oauth/authorizationUrl', { userId: 'user-replayed' })
    await new PersonVisit(REDIRECT_URI).connect(body.authorizationUrl, 'carla@acme.example')
    const [{ id }] = await accounts({ userId: 'user-replayed' })
    await stage.sql('update grants set revoked_at = now() where account_id = $1', [id])
    await stage.sql('update user_credentials set check_at = now() where id = $1', [id])
    const kept = () => stage.sql('select 1 from user_credentials where id = $1', [id])
    await until('the credential to go', async () => (await kept()).length === 0)
    expect(await accounts({ userId: 'user-replayed' })).toEqual([])
  })

  it('shows and ends the accounts of one user of one client, and of nobody else', async () => {
    const other = await stage.addConnectClient('Other', REDIRECT_URI)
    const [{ id }] = await accounts()
    for (const stranger of [{ userId: 'user-2' }, { by: other }]) {
      expect(await accounts(stranger)).toEqual([])
      expect((await call('POST', `accounts/${id}/disconnect`, stranger)).status).toBe(404)
    }
    expect((await accounts()).map((account: { id: string }) => account.id)).toContain(id)
  })

  it('disconnects here and at Google', async () => {
    const { id } = (await accounts()).find((each: typeof ACCOUNT) => each.integrationId === 'google')
    expect(await call('POST', `accounts/${id}/disconnect`)).toEqual({ status: 200, body: {} })
    const [revoked] = stage.sandbox.google.journal.list({ path: '/revoke' })
    expect(revoked).toMatchObject({ method: 'POST', path: '/revoke', status: 200 })
    expect((await accounts()).map((account: { id: string }) => account.id)).not.toContain(id)
    expect((await call('POST', `accounts/${id}/disconnect`)).status).toBe(404)
  })

  it.each([
    ['denies', 'access_denied', (visit: PersonVisit, url: string) => visit.deny(url, 'ben@acme.test')],
    [
      'leaves something out',
      'partial_consent',
      (visit: PersonVisit, url: string) =>
        visit.connect(url, 'ben@acme.test', { 'scope:https://www.googleapis.com/auth/calendar': null }),
    ],
  ])('says so in the address when the person %s', async (_what, error, go) => {
    const { url } = await go(new PersonVisit(REDIRECT_URI), await authorizationUrl('google'))
    expect(url.origin + url.pathname).toBe(REDIRECT_URI)
    expect(url.searchParams.get('error')).toBe(error)
    expect(url.searchParams.get('error_description')).toMatch(/^[A-Z].*\.$/)
  })

  it('refuses a return address that is not registered, and an unknown provider', async () => {
    const path = `google/oauth/authorizationUrl?redirect_url=${encodeURIComponent('https://evil.test')}`
    expect(await call('GET', path)).toMatchObject({ status: 422, body: { errors: { redirect_url: [{}] } } })
    expect((await call('GET', 'caldav/oauth/authorizationUrl')).status).toBe(404)
  })

  it('connects nothing by a state that was used, forged or sent to the other provider', async () => {
    const url = new URL(await authorizationUrl('google'))
    const state = url.searchParams.get('state')!
    const comeBack = (providerId: string, given: string) =>
      fetch(`${stage.url}/v1/integrations/${providerId}/oauth/callback?code=x&state=${given}`, { redirect: 'manual' })
    expect((await comeBack('o365', state)).status).toBe(404)
    expect((await comeBack('google', `${state.slice(0, -1)}!`)).status).toBe(404)
    const first = await comeBack('google', state)
    expect(new URL(first.headers.get('location')!).searchParams.get('error')).toBe('sign_in_failed')
    const second = await comeBack('google', state)
    expect(new URL(second.headers.get('location')!).searchParams.get('error')).toBe('state_used')
  })
})
