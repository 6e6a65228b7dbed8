import type { OpenApiDocument } from '#platform/http/openapi/openapi-document.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type Answer, REDIRECT_URI, type ServiceAccount } from './public-api.js'
import { Stage } from './stage.js'

/** Kept by both clients under the same names. */
const [KEY, STATE, EMAIL] = ['the same key', 'the same state', 'admin@globex.test']
const PATH = '/v1/service_account_authorizations'

describe('what is another client’s', () => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let document: OpenApiDocument
  let ours: ServiceAccount
  let oursToo: ServiceAccount
  let theirs: ServiceAccount
  let their: { requestId: string; consentId: string; code: string; cookie: string }
  let ourCookie: string

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl)
    const [client, rival] = [await stage.api.addClient('Scheduler'), await stage.api.addClient('Rival')]
    ours = await stage.api.authorise(client, 'acme')
    oursToo = await stage.api.authorise(client, 'initech')
    theirs = await stage.api.authorise(rival, 'globex')
    document = await stage.api.must('GET', '/openapi.json')
    const requestId = await askUnderKey(theirs, EMAIL)
    await stage.requestOnce('delivered', theirs, requestId)
    const visit = await begin(theirs)
    ourCookie = (await begin(ours)).cookie
    their = { requestId, ...visit, code: (await stage.told(STATE)).code! }
  }, 60_000)
  afterAll(() => stage?.close())

  const askUnderKey = async (account: ServiceAccount, email: string): Promise<string> => {
    const json = { email, callback_url: stage.callbackUrl, scope: 'read_only', state: STATE }
    const asked = { token: account.accessToken, json, headers: { 'idempotency-key': KEY } }
    return (await stage.api.must('POST', PATH, asked)).service_account_authorizations[0].id
  }

  const begin = async ({ client }: ServiceAccount) => {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: client.id,
      redirect_uri: REDIRECT_URI,
      scope: 'service_account/accounts/manage',
      delegated_scope: 'read_only',
    })
    const { headers } = await stage.api.call('GET', `/enterprise_connect/oauth/authorize?${query}`)
    return {
      consentId: headers.get('location')!.split('/').at(-1)!,
      cookie: headers.getSetCookie()[0]!.split(';')[0]!,
    }
  }

  /** All that could give theirs away. */
  const theirNames = () => [theirs.id, theirs.client.id, their.requestId, their.code, 'globex']
  const nothingOf = ({ text, headers }: Answer, besides: string[] = []) => {
    const said = text + JSON.stringify([...headers])
    return theirNames().filter((name) => said.includes(name) && !besides.includes(name))
  }

  /** With a parameter in the path: whose id is put there, who asks, and what `nothing` is. Null: it is no client's. */
  const WALKS: Record<string, (() => { id: string; asked: object; status: number }) | null> = {
    [`${PATH}/`]: () => ({ id: their.requestId, asked: { token: ours.accessToken }, status: 404 }),
    '/enterprise_connect/consents/': () => ({
      id: their.consentId,
      asked: { headers: { cookie: ourCookie } },
      status: 403,
    }),
    '/assets/': null,
    // Bound to a visit by `state` and cookie; consent-requests.e2e-spec.
    '/enterprise_connect/oauth/return/': null,
    '/oauth/return/': null,
    // Bound to the user token; connect-morgen.e2e-spec, connect-work-api.e2e-spec, parity.e2e-spec.
    '/v1/integrations/': null,
    '/integrations/': null,
    '/auth/': null,
    // Bound to a sign-in by cookie, and by `state` or a token of the form; connect-oauth.e2e-spec.
    '/oauth/connect/': null,
    // Bound to the mailbox of the token; proxy-fence.e2e-spec.
    '/v1/proxy/': null,
    // The operator's, who sees all clients.
    '/admin/v1/': null,
  }

  it('is not reached by any route of /openapi.json that takes an id', async () => {
    const routes = Object.entries(document.paths).filter(([path]) => path.includes('{'))
    expect(routes.length).toBeGreaterThan(10)
    const callbacks = stage.callbacksOf(STATE).length
    for (const [path, methods] of routes) {
      const prefix = Object.keys(WALKS).find((each) => path.startsWith(each))
      // A new route with an id needs a line above.
      expect([path, prefix]).toEqual([path, expect.any(String)])
      const walk = WALKS[prefix!]?.()
      if (!walk) continue
      for (const method of Object.keys(methods)) {
        const answer = await stage.api.call(method.toUpperCase(), path.replace(/\{\w+\}/, walk.id), walk.asked)
        expect([method, path, answer.status]).toEqual([method, path, walk.status])
        expect([method, path, nothingOf(answer)]).toEqual([method, path, []])
      }
    }
    expect(await stage.show(theirs, their.requestId)).toMatchObject({ status: 'granted', callback: 'delivered' })
    expect(stage.callbacksOf(STATE)).toHaveLength(callbacks)
  })

  it('is answered like what does not exist: by the same words', async () => {
    const token = ours.accessToken
    const foreign = await stage.api.call('GET', `${PATH}/${their.requestId}`, { token })
    const absent = await stage.api.call('GET', `${PATH}/dar_${'0'.repeat(24)}`, { token })
    expect(foreign.json).toEqual(absent.json)
  })

  it('is not in lists, by no filter and no cursor, nor in what a token tells of itself', async () => {
    const page = await stage.api.must('GET', `${PATH}?limit=1`, { token: theirs.accessToken })
    const cursors = [page.next_cursor, their.requestId].filter(Boolean)
    const queries: Record<string, string>[] = [
      {},
      { email: EMAIL },
      { state: STATE },
      { status: 'granted' },
      { callback: 'delivered' },
      ...cursors.map((cursor) => ({ cursor })),
    ]
    for (const { accessToken: token } of [ours, oursToo]) {
      for (const query of queries) {
        const answer = await stage.api.call('GET', `${PATH}?${new URLSearchParams(query)}`, { token })
        expect([query, nothingOf(answer)]).toEqual([query, []])
      }
      for (const path of ['/v1/userinfo', '/v1/account', '/v1/resources'])
        expect([path, nothingOf(await stage.api.call('GET', path, { token }))]).toEqual([path, []])
    }
  })

  it('does not hold up ours under the same Idempotency-Key, state and address', async () => {
    const id = await askUnderKey(ours, 'anna@acme.test')
    expect(id).not.toBe(their.requestId)
    expect(await askUnderKey(ours, 'anna@acme.test')).toBe(id)
    // Nor does one organisation of ours see another's.
    expect((await stage.api.call('GET', `${PATH}/${id}`, { token: oursToo.accessToken })).status).toBe(404)
  })

  it('is nothing to the OAuth endpoints, and stays as good as it was', async () => {
    const { client } = ours
    const credentials = { client_id: client.id, client_secret: client.secret }
    const code = { ...credentials, grant_type: 'authorization_code', code: their.code, redirect_uri: stage.callbackUrl }
    const refresh = { ...credentials, grant_type: 'refresh_token', refresh_token: theirs.refreshToken }
    const exchange = {
      ...{ ...credentials, grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' },
      ...{ subject_token: theirs.accessToken, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
    }
    await stage.api.asAdmin('PUT', `/admin/v1/clients/${client.id}/provider_tokens`, { json: { allowed: true } })
    const token = { ...credentials, token: theirs.accessToken }
    const WITH_THEIRS: Record<string, [sent: object, status: number, answer: unknown][]> = {
      '/oauth/token': [
        [code, 400, expect.objectContaining({ error: 'invalid_grant' })],
        [refresh, 400, expect.objectContaining({ error: 'invalid_grant' })],
        [
          exchange,
          400,
          { error: 'invalid_request', error_description: expect.stringContaining('no live access token') },
        ],
      ],
      '/oauth/introspect': [[token, 200, { active: false }]],
      '/oauth/revoke': [[token, 200, undefined]],
      '/oauth/token/revoke': [
        [token, 200, undefined],
        [{ ...credentials, sub: theirs.id }, 200, undefined],
      ],
    }
    const routes = Object.entries(document.paths).filter(([, { post }]) =>
      post?.security.some(({ clientBasic }) => clientBasic),
    )
    // A new route at which a client authenticates needs a line above.
    expect(routes.map(([path]) => path).sort()).toEqual(Object.keys(WITH_THEIRS).sort())
    for (const [path, cases] of Object.entries(WITH_THEIRS))
      for (const [json, status, expected] of cases) {
        const answer = await stage.api.call('POST', path, { json })
        expect([path, answer.status, answer.json]).toEqual([path, status, expected])
        expect(nothingOf(answer)).toEqual([])
      }
    expect((await stage.api.call('GET', '/v1/userinfo', { token: theirs.accessToken })).status).toBe(200)
    expect((await stage.api.exchange(theirs.client, their.code, stage.callbackUrl)).status).toBe(200)
    expect((await stage.api.refresh(theirs.client, theirs.refreshToken)).status).toBe(200)
  })
})
