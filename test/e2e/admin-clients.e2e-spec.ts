import { testDatabase } from '#platform/testing/postgres-for-tests.js'
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
  ['POST', '/clients/cli_x/disable'],
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

    it('are refused at the token endpoint once disabled, and stay listed', async () => {
      const { client_id, client_secret } = await register()

      const first = await (await stage.call('POST', `/clients/${client_id}/disable`)).json()
      const second = await stage.call('POST', `/clients/${client_id}/disable`)

      expect(await presented(client_id, client_secret)).toBe('invalid_client')
      expect(second.status).toBe(200)
      expect(await second.json()).toEqual(first)
      expect(first).toMatchObject({ client_id, disabled_at: expect.any(String) })
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
