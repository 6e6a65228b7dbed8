import { decodeJwt } from 'jose'
import type { DelegatedScope } from '#domain/providers/delegated-scopes.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { openProxyStage, type ProxyStage, type StageProvider } from './proxy-stage.js'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const LOVELACE = 'c_1884lovelace0board0room@resource.calendar.google.com'

describe('exchanging a mailbox’s token for the provider’s own', () => {
  const { url: databaseUrl } = testDatabase()
  let stage: ProxyStage

  beforeAll(async () => {
    stage = await openProxyStage(databaseUrl, 2)
    await stage.allowProviderTokens(true)
  })
  afterAll(() => stage.close())
  beforeEach(() => stage.reset())

  async function exchange(subject_token: string, more: Record<string, string> = {}) {
    const { id: client_id, secret: client_secret } = stage.client
    const asked = { grant_type: EXCHANGE, subject_token, subject_token_type: ACCESS_TOKEN, client_id, client_secret }
    const body = new URLSearchParams({ ...asked, ...more })
    const answer = await fetch(`${stage.url}/oauth/token`, { method: 'POST', body })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    return { status: answer.status, headers: answer.headers, json: await answer.json() }
  }
  const refusal = async (...asked: Parameters<typeof exchange>) => {
    const { status, json } = await exchange(...asked)
    expect(json).toEqual({ error: json.error, error_description: expect.stringMatching(/\w/) })
    return `${status} ${json.error}`
  }
  /** Straight at the provider, as the client would call it. */
  const at = async (provider: StageProvider, path: string, token: string) => {
    const answer = await fetch(stage.sandbox[provider].url + path, { headers: { authorization: `Bearer ${token}` } })
    return { status: answer.status, json: await answer.json() }
  }
  const eventsAt = { google: '/calendar/v3/calendars/primary/events', microsoft: '/v1.0/me/events' }

  it('opens at Google the mailbox of the grant, for what the grant is for, and nobody else’s', async () => {
    const { status, json } = await exchange(await stage.tokenFor('google', 'anna@acme.test', ['read_events']))
    expect(status).toBe(200)
    expect(json).toEqual({
      access_token: expect.any(String),
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope: 'read_events',
    })
    expect(json.expires_in).toBeGreaterThan(0)
    expect(json.expires_in).toBeLessThanOrEqual(3599)
    const token = json.access_token
    expect(await at('google', eventsAt.google, token)).toMatchObject({
      status: 200,
      json: { summary: 'anna@acme.test' },
    })
    for (const other of ['ben@acme.test', 'admin@acme.test'])
      expect((await at('google', `/calendar/v3/calendars/${other}/events`, token)).status).toBe(404)
    expect((await at('google', '/admin/directory/v1/users?customer=my_customer', token)).status).toBe(403)
  })

  it('is for as little as is asked for, and never for more than the grant', async () => {
    const subject = await stage.tokenFor('google', 'anna@acme.test', ['read_only'])
    const { json } = await exchange(subject, { scope: 'free_busy' })
    expect(json.scope).toBe('free_busy')
    expect((await at('google', eventsAt.google, json.access_token)).status).toBe(403)
    expect(await refusal(subject, { scope: 'read_write' })).toBe('400 invalid_scope')
    expect(await refusal(subject, { scope: 'https://www.googleapis.com/auth/calendar' })).toBe('400 invalid_scope')
  })

  it('takes the place of the provider’s refusal: a token that it no longer takes is not handed on', async () => {
    const subject = await stage.tokenFor('google', 'anna@acme.test')
    const first = (await exchange(subject)).json.access_token
    stage.reset()
    const { status, json } = await exchange(subject)
    expect(status).toBe(200)
    expect(json.access_token).not.toBe(first)
    expect((await at('google', eventsAt.google, json.access_token)).status).toBe(200)
  })

  it.each<[StageProvider, string, RegExp]>([
    ['microsoft', 'milton@initech.test', /every mailbox of the organisation/],
    ['google', LOVELACE, /token of the administrator/],
  ])('is refused at %s for %s, whose only token opens more', async (provider, email, why) => {
    const { status, json } = await exchange(await stage.tokenFor(provider, email))
    expect([status, json]).toEqual([400, { error: 'invalid_target', error_description: expect.stringMatching(why) }])
  })

  it.each<[DelegatedScope[], string]>([
    [['write_only'], 'read_events'],
    [['read_events', 'create_event'], 'delete_event'],
    [['change_participation_status'], 'create_event'],
  ])('is refused for %s: the provider has no token for it that does not open %s', async (scope, opened) => {
    for (const subject of [
      await stage.tokenFor('google', 'anna@acme.test', scope),
      await stage.ownersTokenFor('google', 'anna@acme.test', scope),
      await stage.ownersTokenFor('microsoft', 'milton@initech.test', scope),
    ]) {
      const { status, json } = await exchange(subject)
      expect([status, json.error]).toEqual([400, 'invalid_target'])
      expect(json.error_description).toContain(opened)
    }
  })

  it('is given for a scope that writes where it may do all that Google has in one with it', async () => {
    const { json } = await exchange(await stage.tokenFor('google', 'anna@acme.test', ['read_write']))
    expect(json.scope).toBe('read_write')
  })

  it.each<[StageProvider, string, string]>([
    ['google', 'anna@acme.test', '/calendar/v3/calendars/ben@acme.test/events'],
    ['microsoft', 'milton@initech.test', '/v1.0/users/bill@initech.test/events'],
  ])('opens an account at %s that its owner has connected', async (provider, email, elsewhere) => {
    const subject = await stage.ownersTokenFor(provider, email, ['read_only'])
    const { status, json } = await exchange(subject, { audience: provider })
    expect([status, json.scope]).toEqual([200, 'read_only'])
    expect((await at(provider, eventsAt[provider], json.access_token)).status).toBe(200)
    expect((await at(provider, elsewhere, json.access_token)).status).not.toBe(200)
    // What we act with ourselves is another token, and still good.
    const target = { google: `/v1/proxy/google${eventsAt.google}`, microsoft: '/v1/proxy/microsoft/v1.0/me/events' }
    expect((await stage.get(subject, target[provider])).status).toBe(200)
  })

  it('is for this grant alone where its owner has allowed more: Microsoft leaves that out, and Google cannot', async () => {
    const bills = await stage.ownersTokenFor('microsoft', 'bill@initech.test', ['read_only'], ['Mail.Read'])
    const { json } = await exchange(bills)
    expect((await at('microsoft', '/v1.0/me/calendar', json.access_token)).status).toBe(200)
    expect(decodeJwt(json.access_token).scp).toBe('Calendars.Read')
    const mail = 'https://www.googleapis.com/auth/gmail.readonly'
    const bens = await stage.ownersTokenFor('google', 'ben@acme.test', ['read_only'], [mail])
    expect(await refusal(bens)).toBe('400 invalid_target')
  })

  it.each<[StageProvider, string, string]>([
    ['google', 'anna@acme.test', '/v1/proxy/google/calendar/v3/calendars/primary/events'],
    ['microsoft', 'milton@initech.test', '/v1/proxy/microsoft/v1.0/me/events'],
  ])(
    'is refused at %s for a part of what an owner has allowed, and all of it stays as it was',
    async (provider, email, target) => {
      const subject = await stage.ownersTokenFor(provider, email, ['read_only'])
      const refused = await exchange(subject, { scope: 'free_busy' })
      expect([refused.status, refused.json.error]).toEqual([400, 'invalid_target'])
      expect(refused.json.error_description).toContain('proxy')
      expect((await stage.get(subject, target)).status).toBe(200)
      expect((await exchange(subject)).json.scope).toBe('read_only')
    },
  )

  describe('is refused', () => {
    let subject: string
    beforeAll(async () => {
      subject = await stage.tokenFor('google', 'ben@acme.test')
    })

    it.each<[string, Record<string, string>, string]>([
      ['without a subject token', { subject_token: '' }, 'invalid_request'],
      ['for a token that is none', { subject_token: 'x'.repeat(32) }, 'invalid_request'],
      ['without its type', { subject_token_type: '' }, 'invalid_request'],
      ['for another type', { subject_token_type: ACCESS_TOKEN.replace('access', 'refresh') }, 'invalid_request'],
      ['for a JWT', { requested_token_type: 'urn:ietf:params:oauth:token-type:jwt' }, 'invalid_request'],
      ['for an actor', { actor_token: 'x', actor_token_type: ACCESS_TOKEN }, 'invalid_request'],
      ['for the other provider', { audience: 'microsoft' }, 'invalid_target'],
      ['for a stranger', { audience: 'https://evil.test' }, 'invalid_target'],
      ['for the other provider’s API', { resource: 'https://graph.microsoft.com/v1.0' }, 'invalid_target'],
      ['for an API that looks like it', { resource: 'https://www.googleapis.com.evil.test/' }, 'invalid_target'],
      ['for a resource with a fragment', { resource: 'https://www.googleapis.com/#x' }, 'invalid_target'],
      ['for a resource that is no URI', { resource: 'calendar' }, 'invalid_target'],
      ['for one target of two', { audience: 'google', resource: 'https://graph.microsoft.com' }, 'invalid_target'],
    ])('%s', async (_, more, error) => {
      expect(await refusal(subject, more)).toBe(`400 ${error}`)
    })

    it('and given where all of it is named as it is', async () => {
      const named = {
        audience: 'google',
        resource: 'https://www.googleapis.com/calendar/v3',
        requested_token_type: ACCESS_TOKEN,
      }
      expect((await exchange(subject, named)).status).toBe(200)
    })

    it('for the token of a service account', async () => {
      expect(await refusal(await stage.serviceAccountToken('google'))).toBe('400 invalid_request')
    })

    it('to a client that the operator has not allowed it, before anything is looked at', async () => {
      await stage.allowProviderTokens(false)
      stage.sandbox.google.journal.clear()
      expect(await refusal(subject)).toBe('400 unauthorized_client')
      expect(await refusal('x', { subject_token_type: 'x' })).toBe('400 unauthorized_client')
      expect(stage.sandbox.google.journal.list()).toEqual([])
      await stage.allowProviderTokens(true)
      expect((await exchange(subject)).status).toBe(200)
    })

    it('to whoever is not the client', async () => {
      expect(await refusal(subject, { client_secret: 'wrong' })).toBe('401 invalid_client')
    })
  })

  it('comes again when the provider is down, and says when', async () => {
    const subject = await stage.tokenFor('google', 'anna@acme.test', ['read_events'])
    const answer = { status: 503, headers: { 'retry-after': '9' }, json: { error: 'x' } }
    stage.sandbox.google.faults.add({ path: '/token', answer })
    stage.sandbox.google.faults.add({ path: '/v1/userinfo', answer })
    const { status, headers, json } = await exchange(subject)
    expect([status, json.error, headers.get('retry-after')]).toEqual([503, 'temporarily_unavailable', '9'])
  })

  it('comes again when the organisation’s delegation is mended: the grant is as good as it was', async () => {
    const subject = await stage.tokenFor('google', 'anna@acme.test', ['free_busy'])
    stage.reset()
    stage.sandbox.google.mutate('remove-delegation', { clientId: '108844220066113355779' })
    expect(await refusal(subject)).toBe('503 temporarily_unavailable')
    stage.reset()
    expect((await exchange(subject)).status).toBe(200)
  })

  it('ends with the person: a suspended user’s grant ends, an owner has to sign in again', async () => {
    const subject = await stage.tokenFor('google', 'ben@acme.test', ['read_only'])
    stage.sandbox.google.mutate('suspend-user', { email: 'ben@acme.test' })
    expect(await refusal(subject)).toBe('400 invalid_grant')
    expect(await refusal(subject)).toBe('400 invalid_request')
    stage.reset()

    const owners = await stage.ownersTokenFor('google', 'anna@acme.test')
    stage.sandbox.google.mutate('revoke-consent', { email: 'anna@acme.test' })
    expect(await refusal(owners)).toBe('400 invalid_grant')
    expect(await refusal(owners)).toBe('400 invalid_grant')
  })

  it('is on record each time, with whose it is and never with the token, which is in no log either', async () => {
    const { json } = await exchange(await stage.tokenFor('google', 'anna@acme.test'))
    const rows = await stage.database.read((em) =>
      em.execute(
        `select client_id, mailbox, subject, details from audit_arrivals where act = 'provider_token.handed_over'`,
      ),
    )
    expect(rows.at(-1)).toEqual({
      ...{ client_id: stage.client.id, mailbox: 'anna@acme.test', subject: expect.stringMatching(/^gra_/) },
      details: JSON.stringify({ provider: 'google', scope: ['read_only'], expires_in: json.expires_in }),
    })
    expect(JSON.stringify(rows)).not.toContain(json.access_token)
    expect(stage.logged.join('\n')).not.toContain(json.access_token)
  })

  it('is counted: so often a minute for one mailbox, and no more', async () => {
    const subject = await stage.tokenFor('google', 'anna@acme.test', ['free_busy'])
    let answer = await exchange(subject)
    for (let asked = 1; answer.status === 200 && asked < 100; asked++) answer = await exchange(subject)
    expect([answer.status, answer.json.error]).toEqual([429, 'too_many_requests'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await exchange(await stage.tokenFor('google', 'ben@acme.test'))).status).toBe(200)
  })
})
