import Cronofy from 'cronofy'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import type { Delivery } from '../../apps/sandbox/receiver/delivery-log.js'
import { type Client, REDIRECT_URI } from '../e2e/public-api.js'
import { Stage, type Told, told } from '../e2e/stage.js'

/** The vendor's own SDK, as npm has it: the only thing it is told is where the server is. */
describe('the npm package cronofy', () => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let client: Client
  let serviceAccount: Cronofy
  /** By state: what each callback brought, and the SDK that exchanged its code inside the handler. */
  const received = new Map<string, { valid: boolean; told: Told; mailbox: Cronofy | null }>()

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl)
    client = await stage.api.addClient('Scheduler')
    stage.receiver.onDelivery(receive)
    serviceAccount = await authorised('acme')
  })
  afterAll(() => stage?.close())

  function sdk(clientSecret = client.secret): Cronofy {
    const cronofy = new Cronofy({ client_id: client.id, client_secret: clientSecret })
    cronofy.urls.api = stage.api.url
    return cronofy
  }

  async function authorised(organisation: 'acme' | 'initech'): Promise<Cronofy> {
    const returned = await stage.api.consent(client, organisation)
    const cronofy = sdk()
    await cronofy.requestAccessToken({ code: returned.searchParams.get('code') ?? '', redirect_uri: REDIRECT_URI })
    return cronofy
  }

  async function receive(delivery: Delivery) {
    if (told(delivery).state === 'two secrets') return
    const hmac = String(delivery.headers['cronofy-hmac-sha256'])
    const valid = sdk().hmacValid({ hmac, body: delivery.body.toString() })
    const { code, state, ...rest } = told(delivery)
    const mailbox = code === undefined ? null : sdk()
    await mailbox?.requestAccessToken({ code: code ?? '', redirect_uri: stage.callbackUrl })
    received.set(state ?? '', { valid, told: { code, state, ...rest }, mailbox })
  }

  const request = (email: string, state: string, scope: string | string[] = 'read_only') => ({
    email,
    callback_url: stage.callbackUrl,
    scope,
    state,
  })
  const callback = (state: string) => until(`the callback about ${state}`, () => received.get(state))
  async function mailbox(state: string): Promise<Cronofy> {
    await serviceAccount.authorizeWithServiceAccount(request('anna@acme.test', state))
    return (await callback(state)).mailbox!
  }
  const failure = (call: Promise<unknown>) =>
    call.then(
      () => {
        throw new Error('it was accepted')
      },
      ({ statusCode, error }) => ({ statusCode, ...error.entity }),
    )

  it('exchanges the code of a service account, and hears what it is', async () => {
    const returned = await stage.api.consent(client, 'acme')
    const cronofy = sdk()
    const code = returned.searchParams.get('code') ?? ''
    const tokens = await cronofy.requestAccessToken({ code, redirect_uri: REDIRECT_URI })
    expect(tokens).toMatchObject({ service_account_id: expect.stringMatching(/^ser_/), sub: tokens.service_account_id })
    expect(cronofy.config).toMatchObject({ access_token: tokens.access_token, refresh_token: tokens.refresh_token })

    expect(await cronofy.userInfo()).toMatchObject({
      sub: tokens.sub,
      'cronofy.type': 'service_account',
      'cronofy.data': {
        service_account: { provider_name: 'google', domain: 'acme.test' },
        authorization: { scope: tokens.scope, status: 'active', delegated_scope: 'read_only' },
      },
      'cronofy.service_account.domain': 'acme.test',
    })
  })

  it('asks for one mailbox, checks the HMAC of the raw body, and exchanges the code inside the handler', async () => {
    await serviceAccount.authorizeWithServiceAccount(request('ben@acme.test', 'single'))
    const { valid, told, mailbox } = await callback('single')
    expect(valid).toBe(true)
    expect(told).toEqual({ code: expect.stringMatching(/^[\w-]{32}$/), state: 'single' })
    expect(mailbox?.config.access_token).toMatch(/^[\w-]{32}$/)
  })

  it('asks for mailboxes of both providers in lists, and hears of those that are refused', async () => {
    const microsoft = await authorised('initech')
    const list = (...items: object[]) => ({ service_account_authorizations: items })
    await serviceAccount.authorizeWithServiceAccount(
      list(request('anna@acme.test', 'a', ['read_events', 'read_free_busy']), request('suspended@acme.test', 'b')),
    )
    await microsoft.authorizeWithServiceAccount(
      list(request('milton@initech.test', 'c'), request('room.apollo@initech.test', 'd')),
    )
    for (const state of ['a', 'c', 'd']) expect((await callback(state)).mailbox?.config.access_token).toBeDefined()
    const refused = await callback('b')
    expect(refused).toMatchObject({ valid: true, mailbox: null })
    expect(refused.told).toMatchObject({ error: 'access_denied', error_key: 'google.subject_suspended' })
  })

  it('finds a HMAC that was made with another secret, or over another body, wrong', async () => {
    await mailbox('checked')
    const { headers, body } = await stage.callback('checked')
    const hmac = String(headers['cronofy-hmac-sha256'])
    expect(sdk().hmacValid({ hmac, body: body.toString() })).toBe(true)
    expect(sdk().hmacValid({ hmac, body: `${body} ` })).toBe(false)
    expect(sdk('another secret').hmacValid({ hmac, body: body.toString() })).toBe(false)
  })

  it('finds the HMAC right with either of two live secrets', async () => {
    const older = await stage.api.addClient('Rotating')
    const newer = await stage.api.rotateSecret(older)
    const umbrella = await stage.api.authorise(older, 'umbrella')
    await stage.ask(umbrella, { email: 'ursula@umbrella.test', state: 'two secrets' })
    const { headers, body } = await stage.callback('two secrets')
    const hmac = String(headers['cronofy-hmac-sha256'])
    for (const { secret } of [older, newer]) expect(sdk(secret).hmacValid({ hmac, body: body.toString() })).toBe(true)
    expect(sdk().hmacValid({ hmac, body: body.toString() })).toBe(false)
  })

  it('reads who the mailbox is', async () => {
    const anna = await mailbox('identity')
    const { sub } = await anna.userInfo()
    expect(await anna.userInfo()).toMatchObject({
      sub: expect.stringMatching(/^acc_/),
      email: 'anna@acme.test',
      'cronofy.type': 'account',
      'cronofy.data': {
        authorization: { scope: 'read_only', status: 'active' },
        profiles: [{ provider_name: 'google', profile_name: 'anna@acme.test', profile_connected: true }],
      },
    })
    expect(await anna.accountInformation()).toMatchObject({
      account: { account_id: sub, email: 'anna@acme.test', scope: 'read_only' },
    })
  })

  it('lists the rooms of the organisation', async () => {
    const { access_token } = serviceAccount.config
    const { resources } = await serviceAccount._httpGet('/v1/resources', { access_token })
    expect(resources).toEqual([
      { email: 'c_1884lovelace0board0room@resource.calendar.google.com', name: 'Lovelace' },
      { email: 'c_1885hopper0huddle0room@resource.calendar.google.com', name: 'Hopper' },
    ])
    const detailed = await serviceAccount._httpGet('/v1/resources', { access_token, include_details: 'capacity' })
    expect(detailed.resources).toMatchObject([{ capacity: 12 }, { capacity: 4 }])
  })

  it('refreshes, and goes on with the new pair', async () => {
    const anna = await mailbox('refreshed')
    const before = { ...anna.config }
    const tokens = await anna.refreshAccessToken()
    expect(tokens.refresh_token).not.toBe(before.refresh_token)
    expect(anna.config.access_token).toBe(tokens.access_token)
    expect(await anna.userInfo()).toMatchObject({ email: 'anna@acme.test' })
    expect(await anna.refreshAccessToken()).toMatchObject({ token_type: 'bearer' })
  })

  it('exchanges a second code with an SDK that still holds a refresh token', async () => {
    const returned = await stage.api.consent(client, 'acme')
    const code = returned.searchParams.get('code') ?? ''
    expect(serviceAccount.config.refresh_token).toBeDefined()
    expect(await serviceAccount.requestAccessToken({ code, redirect_uri: REDIRECT_URI })).toHaveProperty('access_token')
  })

  it.each<[string, (cronofy: Cronofy) => Parameters<Cronofy['revokeAuthorization']>]>([
    ['with a token', ({ config }) => [{ token: config.refresh_token ?? '' }]],
    ['bare', () => []],
  ])('revokes %s', async (how, given) => {
    const anna = await mailbox(`revoked ${how}`)
    const { access_token } = anna.config
    await anna.revokeAuthorization(...given(anna))
    expect(anna.config.access_token).toBeUndefined()
    expect(await failure(anna._httpGet('/v1/userinfo', { access_token }))).toMatchObject({
      statusCode: 401,
      error: 'invalid_token',
    })
  })

  it('revokes one mailbox by its sub out of the service account’s SDK, and not the service account', async () => {
    const anna = await mailbox('revoked by sub')
    const { sub } = await anna.userInfo()
    const { access_token, refresh_token } = serviceAccount.config
    await serviceAccount.revokeAuthorization({ sub: String(sub) })
    Object.assign(serviceAccount.config, { access_token, refresh_token })
    expect(await failure(anna.userInfo())).toMatchObject({ statusCode: 401 })
    expect(await serviceAccount.userInfo()).toHaveProperty(['cronofy.type'], 'service_account')
  })

  it('hears of its mistakes in the vendor’s shapes', async () => {
    const wrongField = serviceAccount.authorizeWithServiceAccount(request('anna', 'x'))
    expect(await failure(wrongField)).toMatchObject({
      statusCode: 422,
      errors: { email: [{ key: 'errors.invalid', description: expect.any(String) }] },
    })
    const wrongCode = sdk().requestAccessToken({ code: 'x', redirect_uri: REDIRECT_URI })
    expect(await failure(wrongCode)).toMatchObject({ statusCode: 400, error: 'invalid_grant' })
    const wrongSecret = sdk('wrong').requestAccessToken({ code: 'x', redirect_uri: REDIRECT_URI })
    expect(await failure(wrongSecret)).toMatchObject({ statusCode: 401, error: 'invalid_client' })
    expect(await failure(sdk().userInfo())).toMatchObject({ statusCode: 401, error: 'invalid_token' })
  })
})
