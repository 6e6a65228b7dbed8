import { generateKeyPairSync } from 'node:crypto'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { ADMIN_KEY, type AdminStage, openAdminStage } from './admin-stage.js'

const ACME = {
  name: 'Acme Scheduler',
  redirect_uris: ['https://app.acme.test/connected'],
  callback_origins: ['https://app.acme.test'],
}

const ROUTES = [
  ['POST', '/clients'],
  ['GET', '/clients'],
  ['GET', '/clients/cli_x'],
  ['POST', '/clients/cli_x/secrets'],
  ['POST', '/clients/cli_x/user_token_secrets'],
  ['DELETE', '/clients/cli_x/user_token_secrets'],
  ['PUT', '/clients/cli_x/jwks'],
  ['DELETE', '/clients/cli_x/jwks'],
  ['PUT', '/clients/cli_x/provider_tokens'],
  ['POST', '/clients/cli_x/disable'],
  ['POST', '/keys'],
  ['GET', '/keys'],
  ['POST', '/keys/key_x/revoke'],
  ['GET', '/providers'],
  ['PUT', '/providers/google'],
  ['PUT', '/providers/microsoft'],
] as const

describe('/admin/v1', () => {
  const { url } = testDatabase()
  let stage: AdminStage

  beforeAll(async () => {
    stage = await openAdminStage(url)
  })
  afterAll(() => stage.close())

  describe('lets nobody in without the admin key:', () => {
    it.each(ROUTES)('%s %s', async (method, path) => {
      for (const key of [null, '', `${ADMIN_KEY}x`, ADMIN_KEY.slice(0, -1)]) {
        const answer = await stage.call(method, path, undefined, key)

        expect(answer.status).toBe(401)
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
        expect(await answer.json()).toMatchObject({ error: 'invalid_token' })
      }
    })
  })

  it('does not take the admin key as Basic or from the query', async () => {
    const basic = { authorization: `Basic ${Buffer.from(`admin:${ADMIN_KEY}`).toString('base64')}` }

    expect((await fetch(`${stage.url}/admin/v1/clients`, { headers: basic })).status).toBe(401)
    expect((await fetch(`${stage.url}/admin/v1/clients?access_token=${ADMIN_KEY}`)).status).toBe(401)
  })

  describe('clients', () => {
    const register = async (body: object = ACME) => (await stage.call('POST', '/clients', body)).json()

    /** What the token endpoint says of a client that authenticates and presents a code that is none. */
    const presented = async (client_id: string, client_secret: string) => {
      const form = { grant_type: 'authorization_code', code: 'none', redirect_uri: 'https://x.test/' }
      const body = new URLSearchParams({ ...form, client_id, client_secret })
      return (await (await fetch(`${stage.url}/oauth/token`, { method: 'POST', body })).json()).error
    }

    it('are registered with secrets that are shown once and work at the token endpoint', async () => {
      const answer = await stage.call('POST', '/clients', ACME)
      const client = await answer.json()

      expect(answer.status).toBe(201)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(client).toEqual({
        ...ACME,
        client_id: expect.stringMatching(/^cli_/),
        client_secret: expect.any(String),
        signing_secret: expect.stringMatching(/^whsec_/),
      })
      expect(await presented(client.client_id, client.client_secret)).toBe('invalid_grant')
      expect(await presented(client.client_id, 'wrong')).toBe('invalid_client')

      const shown = await (await stage.call('GET', `/clients/${client.client_id}`)).text()
      const listed = await (await stage.call('GET', '/clients?limit=100')).text()
      for (const secret of [client.client_secret, client.signing_secret])
        expect(shown + listed + stage.logged.join()).not.toContain(secret)
    })

    it('have two live secrets after a rotation, and a further one is refused with 409', async () => {
      const { client_id, client_secret } = await register()
      const answer = await stage.call('POST', `/clients/${client_id}/secrets`)
      const rotated = await answer.json()

      expect(answer.status).toBe(201)
      expect(await presented(client_id, client_secret)).toBe('invalid_grant')
      expect(await presented(client_id, rotated.client_secret)).toBe('invalid_grant')
      const again = await stage.call('POST', `/clients/${client_id}/secrets`)
      expect(again.status).toBe(409)
      expect(await again.json()).toMatchObject({ error: 'conflict' })
      const { secrets } = await (await stage.call('GET', `/clients/${client_id}`)).json()
      expect(secrets).toHaveLength(2)
    })

    it('are refused at the token endpoint once disabled, stay listed, and are on record once', async () => {
      const { client_id, client_secret } = await register()

      const first = await (await stage.call('POST', `/clients/${client_id}/disable`)).json()
      const second = await stage.call('POST', `/clients/${client_id}/disable`)

      expect(await presented(client_id, client_secret)).toBe('invalid_client')
      expect(second.status).toBe(200)
      expect(await second.json()).toEqual(first)
      expect(first).toMatchObject({ client_id, disabled_at: expect.any(String) })
      const acts = await rowsOf(url, 'select act from audit_arrivals where subject = $1 order by act', [client_id])
      expect(acts.map(({ act }) => act)).toEqual(['client.disabled', 'client.registered'])
    })

    it('get a secret for user tokens, which is shown once, rotated, and ended', async () => {
      const { client_id } = await register()
      const path = `/clients/${client_id}/user_token_secrets`
      const first = await stage.call('POST', path)
      const added = await first.json()

      expect(first.status).toBe(201)
      expect(added).toEqual({
        client_id,
        user_token_secret: expect.stringMatching(/^[\w-]{43}$/),
        previous_secret_expires_at: null,
      })
      expect(await (await stage.call('POST', path)).json()).toMatchObject({
        previous_secret_expires_at: expect.any(String),
      })
      expect((await stage.call('POST', path)).status).toBe(409)
      const shown = await (await stage.call('GET', `/clients/${client_id}`)).json()
      expect(shown.user_token_secrets).toHaveLength(2)
      expect(JSON.stringify(shown) + stage.logged.join()).not.toContain(added.user_token_secret)
      expect(await (await stage.call('DELETE', path)).json()).toEqual({ client_id, ended: 2 })
      expect((await (await stage.call('GET', `/clients/${client_id}`)).json()).user_token_secrets).toEqual([])
    })

    it('have keys for user tokens, given or published, which replace each other', async () => {
      const { client_id } = await register()
      const path = `/clients/${client_id}/jwks`
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const key = { ...publicKey.export({ format: 'jwk' }), kid: 'a' }
      const jwks_uri = 'https://app.acme.test/jwks.json'

      const given = await stage.call('PUT', path, { jwks: { keys: [key] } })
      expect([given.status, await given.json()]).toMatchObject([200, { jwks: { keys: [key] }, jwks_uri: null }])
      expect(await (await stage.call('PUT', path, { jwks_uri })).json()).toMatchObject({ jwks: null, jwks_uri })
      expect(await (await stage.call('DELETE', path)).json()).toMatchObject({ jwks: null, jwks_uri: null })
    })

    it.each([
      [{}, 'jwks'],
      [{ jwks: { keys: [] } }, 'jwks'],
      [{ jwks: { keys: [{ kty: 'oct', k: 'of-their-own' }] } }, 'jwks'],
      [{ jwks: { keys: [] }, jwks_uri: 'https://app.acme.test/' }, 'jwks'],
      [{ jwks: 'text' }, 'jwks'],
      [{ jwks_uri: 'http://app.acme.test/' }, 'jwks_uri'],
      [{ jwks_url: 'https://app.acme.test/' }, 'jwks_url'],
    ])('do not get the keys %j', async (body, field) => {
      const { client_id } = await register()
      const answer = await stage.call('PUT', `/clients/${client_id}/jwks`, body)

      expect(answer.status).toBe(422)
      const { errors } = await answer.json()
      expect(Object.keys(errors)).toContain(field)
      expect(JSON.stringify(errors)).not.toContain('of-their-own')
    })

    it('may be given tokens of the provider’s own only where the operator says so, which is on record when it changes', async () => {
      const { client_id } = await register()
      const path = `/clients/${client_id}/provider_tokens`
      expect(await (await stage.call('GET', `/clients/${client_id}`)).json()).toMatchObject({ provider_tokens: false })
      for (const allowed of [true, true, false]) {
        const answer = await stage.call('PUT', path, { allowed })
        expect([answer.status, await answer.json()]).toMatchObject([200, { client_id, provider_tokens: allowed }])
      }
      const acts = await rowsOf(url, 'select act from audit_arrivals where subject = $1 order by act', [client_id])
      const changes = ['client.provider_tokens_allowed', 'client.provider_tokens_forbidden']
      expect(acts.map(({ act }) => act)).toEqual([...changes, 'client.registered'])
      for (const body of [{}, { allowed: 'yes' }, { allowed: true, more: 1 }])
        expect((await stage.call('PUT', path, body)).status).toBe(422)
      expect((await stage.call('PUT', '/clients/cli_nobody/provider_tokens', { allowed: true })).status).toBe(404)
    })

    it('get API keys, which are shown once, listed, and revoked', async () => {
      const { client_id } = await register()
      const scopes = ['oauth-api:query:*', 'oauth-api:mutation:revokeAuthorization']
      const answer = await stage.call('POST', '/keys', { client_id, scopes, expires_at: '2099-01-31' })
      const { key, id, ...rest } = await answer.json()

      expect([answer.status, rest]).toEqual([201, { scopes }])
      expect(key).toMatch(/^mandate_[\w-]{43}$/)
      const listed = await (await stage.call('GET', `/keys?client=${client_id}`)).json()
      const facts = { id, client_id, scopes, created_at: expect.any(String), expires_at: '2099-01-31T00:00:00.000Z' }
      expect(listed).toEqual({ keys: [{ ...facts, revoked_at: null, last_used_at: null }], next_cursor: null })
      const revoked = await stage.call('POST', `/keys/${id}/revoke`)
      expect([revoked.status, await revoked.json()]).toMatchObject([200, { id, revoked_at: expect.any(String) }])
      expect(await (await stage.call('POST', `/keys/${id}/revoke`)).json()).toMatchObject({ id })
      expect((await stage.call('POST', '/keys/key_nobody/revoke')).status).toBe(404)
      expect(JSON.stringify(listed) + stage.logged.join()).not.toContain(key)
    })

    it.each([
      [{ scopes: [] }, 422, 'scopes'],
      [{ scopes: ['oauth-api:query:*', 'root'] }, 422, 'scopes[1]'],
      [{ scopes: 'oauth-api:query:*' }, 422, 'scopes'],
      [{ scopes: ['oauth-api:query:*'], expires_at: '2020-01-01' }, 422, 'expires_at'],
      [{ scopes: ['oauth-api:query:*'], expires_at: 'tomorrow' }, 422, 'expires_at'],
      [{ scopes: ['oauth-api:query:*'], client_id: 'cli_nobody' }, 404, undefined],
    ])('get no API key for %j', async (body, status, field) => {
      const { client_id } = await register()
      const answer = await stage.call('POST', '/keys', { client_id, ...body })
      const { errors } = await answer.json()
      expect([answer.status, Object.keys(errors ?? {})[0]]).toEqual([status, field])
    })

    it('are listed page by page, each once', async () => {
      const registered = [await register(), await register(), await register()].map(({ client_id }) => client_id)
      const seen: string[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = await stage.call('GET', `/clients?limit=2${cursor && `&cursor=${cursor}`}`)
        const { clients, next_cursor } = await page.json()
        expect(clients.length).toBeLessThanOrEqual(2)
        seen.push(...clients.map(({ client_id }: { client_id: string }) => client_id))
        cursor = next_cursor
      }

      expect(new Set(seen).size).toBe(seen.length)
      expect(seen).toEqual(expect.arrayContaining(registered))
    })

    it.each([
      ['/clients?limit=0', 'limit'],
      ['/clients?limit=101', 'limit'],
      ['/clients?limit=many', 'limit'],
      ['/clients?cursor=elsewhere', 'cursor'],
      ['/clients?colour=red', 'colour'],
    ])('are not listed by GET %s', async (path, field) => {
      const answer = await stage.call('GET', path)

      expect(answer.status).toBe(422)
      expect(Object.keys((await answer.json()).errors)).toEqual([field])
    })

    it.each([
      [{}, 'name'],
      [{ ...ACME, name: 7 }, 'name'],
      [{ ...ACME, name: 'x'.repeat(121) }, 'name'],
      [{ ...ACME, name: 'a\0b' }, 'name'],
      [{ ...ACME, redirect_uris: 'https://app.acme.test/' }, 'redirect_uris'],
      [{ ...ACME, redirect_uris: [null] }, 'redirect_uris[0]'],
      [{ ...ACME, redirect_uris: [...ACME.redirect_uris, 'http://app.acme.test/'] }, 'redirect_uris[1]'],
      [{ ...ACME, callback_origins: ['https://app.acme.test/path'] }, 'callback_origins[0]'],
      [{ ...ACME, client_secret: 'of my choice' }, 'client_secret'],
      [[ACME], 'body'],
    ])('are not registered with %j', async (body, field) => {
      const answer = await stage.call('POST', '/clients', body)

      expect(answer.status).toBe(422)
      expect(Object.keys((await answer.json()).errors)).toEqual([field])
    })

    it.each(['cli_000000000000000000000000', 'x', '%20', '..%2f..%2fetc'])('are 404 under the id %s', async (id) => {
      expect((await stage.call('GET', `/clients/${id}`)).status).toBe(404)
      expect((await stage.call('POST', `/clients/${id}/secrets`)).status).toBe(404)
      expect((await stage.call('POST', `/clients/${id}/disable`)).status).toBe(404)
      expect((await stage.call('POST', `/clients/${id}/user_token_secrets`)).status).toBe(404)
      expect((await stage.call('DELETE', `/clients/${id}/jwks`)).status).toBe(404)
    })

    it('do not fail on an id that PostgreSQL cannot hold', async () => {
      const answer = await stage.call('GET', '/clients/a%00b')

      expect(answer.status).toBe(422)
      expect(Object.keys((await answer.json()).errors)).toEqual(['id'])
    })
  })
})

describe('/admin/v1 without a configured key', () => {
  const { url } = testDatabase()
  let stage: AdminStage

  beforeAll(async () => {
    stage = await openAdminStage(url, '')
  })
  afterAll(() => stage.close())

  it.each(ROUTES)('is closed, and tells how to open it: %s %s', async (method, path) => {
    for (const key of [null, '', 'undefined', ADMIN_KEY]) {
      const answer = await stage.call(method, path, undefined, key)

      expect(answer.status).toBe(403)
      expect(await answer.json()).toEqual({
        error: 'admin_closed',
        error_description: expect.stringContaining('MANDATE_ADMIN_KEY'),
      })
    }
  })
})
