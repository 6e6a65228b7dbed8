import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import type { Client, ServiceAccount } from './public-api.js'
import { allRequests, Stage } from './stage.js'

const PATH = '/v1/service_account_authorizations'
const BATCH = 'service_account_authorizations'

describe(`POST ${PATH}`, () => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let client: Client
  let acme: ServiceAccount

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl)
    client = await stage.api.addClient('Scheduler')
    acme = await stage.api.authorise(client, 'acme')
  })
  afterAll(() => stage?.close())

  const good = (over: object = {}) => ({
    email: 'anna@acme.test',
    callback_url: stage.callbackUrl,
    scope: 'read_only',
    state: 's',
    ...over,
  })
  const post = (json: unknown, headers: Record<string, string> = {}, account = acme) =>
    stage.api.call('POST', PATH, { token: account.accessToken, json, headers })
  const count = async (account = acme) => (await allRequests(stage, account)).length

  describe('accepts', () => {
    it('one request, and says how it is called', async () => {
      const { status, json, headers } = await post(good({ email: 'Anna@ACME.test' }))
      expect(status).toBe(202)
      expect(headers.get('x-request-id')).toMatch(/^req_/)
      expect(json).toEqual({
        [BATCH]: [
          { id: expect.stringMatching(/^dar_[0-9a-f]{24}$/), email: 'anna@acme.test', state: 's', status: 'pending' },
        ],
      })
    })

    it('a list of fifty, in its order, each with what is its own', async () => {
      const list = Array.from({ length: 50 }, (_, n) =>
        good({ email: `p${n}@acme.test`, state: `own ${n}`, callback_url: `${stage.callbackUrl}&n=${n}` }),
      )
      const { status, json } = await post({ [BATCH]: list })
      expect(status).toBe(202)
      expect(json[BATCH].map(({ state }: { state: string }) => state)).toEqual(list.map(({ state }) => state))
    })

    it.each<[string, () => unknown]>([
      ['a state beside the list, as pycronofy sends it', () => ({ [BATCH]: [good()], state: 'of them all' })],
      ['properties that it does not know', () => good({ reply_to: 'x', 'x-y': { z: [] } })],
      ['scopes as a list, as two SDKs pass them on', () => good({ scope: ['read_events', 'read_free_busy'] })],
      ['the older names of scopes', () => good({ scope: 'read_account list_calendars read_events' })],
      [
        'no state, or null for one',
        () => ({ [BATCH]: [good({ state: undefined }), good({ email: 'b@acme.test', state: null })] }),
      ],
    ])('%s', async (_what, body) => {
      expect((await post(body())).status).toBe(202)
    })

    it('a trailing slash, and the odd headers of SDKs', async () => {
      const headers = { 'content-encoding': 'gzip;q=1.0,deflate;q=0.6,identity;q=0.3' }
      const asked = { token: acme.accessToken, json: good(), headers }
      expect((await stage.api.call('POST', `${PATH}/`, asked)).status).toBe(202)
    })
  })

  describe('refuses, naming the field,', () => {
    const CASES: [what: string, field: string, over: object, key?: string][] = [
      ['no address', 'email', { email: undefined }, 'errors.required'],
      ['an empty address', 'email', { email: '' }, 'errors.required'],
      ['an address that is none', 'email', { email: 'anna' }],
      ['two addresses in one', 'email', { email: 'anna@acme.test,ben@acme.test' }],
      ['a display name with the address', 'email', { email: 'Anna <anna@acme.test>' }],
      ['a list of addresses', 'email', { email: ['anna@acme.test'] }],
      ['an address with NUL', 'email', { email: 'an\0na@acme.test' }],
      ['an address in foreign letters', 'email', { email: 'аnna@acme.test' }],
      ['an address that is too long', 'email', { email: `${'a'.repeat(320)}@acme.test` }],
      ['no callback URL', 'callback_url', { callback_url: undefined }, 'errors.required'],
      ['a callback URL that is none', 'callback_url', { callback_url: 'callbacks' }, 'errors.not_allowed'],
      ['a list of callback URLs', 'callback_url', { callback_url: ['https://a.test/'] }],
      ['a callback URL with NUL', 'callback_url', { callback_url: 'http://127.0.0.1/\0' }],
      ['a callback URL that is too long', 'callback_url', { callback_url: `https://a.test/${'a'.repeat(2048)}` }],
      ['a foreign origin', 'callback_url', { callback_url: 'https://evil.test/' }, 'errors.not_registered'],
      ['plain http to the outside', 'callback_url', { callback_url: 'http://evil.test/' }, 'errors.not_allowed'],
      ['another protocol', 'callback_url', { callback_url: 'file:///etc/passwd' }, 'errors.not_allowed'],
      ['the metadata address', 'callback_url', { callback_url: 'http://169.254.169.254/' }, 'errors.not_allowed'],
      ['credentials in the URL', 'callback_url', { callback_url: 'https://a:b@a.test/' }, 'errors.not_allowed'],
      ['no scope', 'scope', { scope: undefined }, 'errors.required'],
      ['an empty scope', 'scope', { scope: '  ' }, 'errors.required'],
      ['an unknown scope', 'scope', { scope: 'read_only root' }, 'errors.unknown_scope'],
      ['a scope by the name of a built-in', 'scope', { scope: 'constructor' }, 'errors.unknown_scope'],
      ['more than was delegated', 'scope', { scope: 'read_write' }, 'errors.outside_delegated_scope'],
      ['a part of more than was delegated', 'scope', { scope: ['create_event'] }, 'errors.outside_delegated_scope'],
      ['a scope that is an object', 'scope', { scope: { read_only: true } }],
      ['a number for the state', 'state', { state: 7 }],
      ['a state with NUL', 'state', { state: 'a\0b' }],
      ['a state of broken Unicode', 'state', { state: '\ud800' }],
      ['a state that is too long', 'state', { state: 's'.repeat(4097) }],
    ]

    it.each(CASES)('%s: %s', async (_what, field, over, key = expect.stringMatching(/^errors\./)) => {
      const problem = [{ key, description: expect.stringMatching(/\S/) }]
      const single = await post(good(over))
      expect(single.status).toBe(422)
      expect(single.json).toEqual({ errors: { [field]: problem } })

      const inList = await post({ [BATCH]: [good({ email: 'ben@acme.test' }), good(over)] })
      expect(inList.status).toBe(422)
      expect(inList.json).toEqual({ errors: { [`${BATCH}[1].${field}`]: problem } })
    })

    it('every problem of every item at once', async () => {
      const { json } = await post({ [BATCH]: [good({ scope: 'root' }), good(), good({ state: 1, email: 1 })] })
      expect(Object.keys(json.errors)).toEqual([`${BATCH}[2].email`, `${BATCH}[2].state`])
      const later = await post({ [BATCH]: [good({ scope: 'root' }), good(), good({ callback_url: 'x' })] })
      expect(Object.keys(later.json.errors).sort()).toEqual(
        [`${BATCH}[0].scope`, `${BATCH}[1].email`, `${BATCH}[2].callback_url`, `${BATCH}[2].email`].sort(),
      )
    })

    it.each<[string, string, () => unknown]>([
      [
        'an address that is twice in the list',
        `${BATCH}[1].email`,
        () => ({ [BATCH]: [good(), good({ email: 'ANNA@acme.test' })] }),
      ],
      ['an empty list', BATCH, () => ({ [BATCH]: [] })],
      [
        'a list of 51',
        BATCH,
        () => ({ [BATCH]: Array.from({ length: 51 }, (_, n) => good({ email: `p${n}@acme.test` })) }),
      ],
      ['a list that is none', BATCH, () => ({ [BATCH]: good() })],
      ['an item that is none', `${BATCH}[0]`, () => ({ [BATCH]: ['anna@acme.test'] })],
      ['a list and a single request in one', BATCH, () => ({ ...good(), [BATCH]: [good()] })],
      ['nothing', 'email', () => ({})],
      ['a body that is a list', 'body', () => [good()]],
      ['a body that is a text', 'body', () => '"anna@acme.test"'],
      ['a body that is null', 'email', () => 'null'],
      ['a body that is no JSON', 'body', () => '{"email":'],
      ['a body that tries the prototype', 'body', () => '{"__proto__":{"email":"anna@acme.test"}}'],
    ])('%s', async (_what, field, body) => {
      const { status, json } = await post(body())
      expect(status).toBe(422)
      expect(Object.keys(json.errors)).toContain(field)
    })

    it('and writes nothing down when one of fifty is wrong', async () => {
      const before = await count()
      const list = Array.from({ length: 50 }, (_, n) => good({ email: `q${n}@acme.test` }))
      expect((await post({ [BATCH]: [...list.slice(1), good({ scope: 'root' })] })).status).toBe(422)
      expect(await count()).toBe(before)
    })

    it('what is too large, and what is no JSON', async () => {
      const large = await post(good({ state: 'x'.repeat(300_000) }))
      expect({ status: large.status, error: large.json.error }).toEqual({ status: 413, error: 'too_large' })
      const text = await post('hello', { 'content-type': 'text/plain' })
      expect({ status: text.status, error: text.json.error }).toEqual({ status: 415, error: 'unsupported_media_type' })
    })
  })

  describe('lets in nobody', () => {
    it.each<[string, Record<string, string>]>([
      ['without a token', {}],
      ['with a token that is none', { authorization: 'Bearer garbage' }],
      ['with the words of an SDK that has none', { authorization: 'Bearer undefined' }],
      ['with NUL in the token', { authorization: 'Bearer a%00b' }],
      ['with two tokens', { authorization: 'Bearer a, Bearer b' }],
      ['with a very long token', { authorization: `Bearer ${'a'.repeat(5_000)}` }],
      ['with client credentials', { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` }],
    ])('%s', async (_how, headers) => {
      for (const [method, path, json] of [
        ['POST', PATH, {}],
        ['GET', PATH, undefined],
        ['GET', `${PATH}/dar_1`, undefined],
        ['POST', `${PATH}/dar_1/redeliver`, undefined],
        ['POST', `${PATH}/dar_1/cancel`, undefined],
      ] as const) {
        const answer = await stage.api.call(method, path, { json, headers })
        expect({ status: answer.status, error: answer.json.error }).toEqual({ status: 401, error: 'invalid_token' })
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
      }
    })

    it('with the token in the query', async () => {
      expect((await stage.api.call('GET', `${PATH}?access_token=${acme.accessToken}`)).status).toBe(401)
    })

    it('with a mailbox’s token', async () => {
      await post(good({ state: 'for a token' }))
      const { code } = await stage.told('for a token')
      const { access_token: token } = (await stage.api.exchange(client, code ?? '', stage.callbackUrl)).json
      for (const [method, path, json] of [
        ['POST', PATH, good()],
        ['GET', PATH, undefined],
        ['GET', `${PATH}/dar_1`, undefined],
        ['POST', `${PATH}/dar_1/cancel`, undefined],
        ['GET', '/v1/resources', undefined],
      ] as const) {
        const answer = await stage.api.call(method, path, { token, json })
        expect({ status: answer.status, error: answer.json.error }).toEqual({
          status: 403,
          error: 'insufficient_scope',
        })
      }
    })

    it('to rooms who was given people only', async () => {
      const people = await stage.api.authorise(client, 'globex', { scope: 'service_account/accounts/manage' })
      const room = good({ email: 'c_1990globex0room@resource.calendar.google.com' })
      const { status, json } = await post({ [BATCH]: [good({ email: 'greg@globex.test' }), room] }, {}, people)
      expect({ status, error: json.error }).toEqual({ status: 403, error: 'insufficient_scope' })
      expect(json.error_description).toContain(`${BATCH}[1]`)
      expect(await count(people)).toBe(0)
    })

    it('to rooms with a token from before an administrator allowed people only', async () => {
      const owner = await stage.api.addClient('Narrowed')
      const { accessToken: token, ...both } = await stage.api.authorise(owner, 'globex')
      const rooms = () => stage.api.call('GET', '/v1/resources', { token })
      expect((await rooms()).status).toBe(200)
      await stage.api.authorise(owner, 'globex', { scope: 'service_account/accounts/manage' })
      expect((await rooms()).status).toBe(403)
      const room = good({ email: 'c_1990globex0room@resource.calendar.google.com' })
      expect((await post(room, {}, { ...both, accessToken: token })).status).toBe(403)
    })
  })

  describe('with an Idempotency-Key', () => {
    const two = (state = 's') => ({ [BATCH]: [good({ state }), good({ email: 'ben@acme.test', state })] })
    const ids = ({ json }: { json: { [BATCH]: { id: string }[] } }) => json[BATCH].map(({ id }) => id)

    it('answers the same body with the same requests, in whichever order', async () => {
      const key = { 'idempotency-key': 'same' }
      const first = await post(two(), key)
      expect(first.status).toBe(202)
      await stage.requestOnce('delivered', acme, ids(first)[0]!)
      const again = await post(two(), key)
      expect({ status: again.status, ids: ids(again) }).toEqual({ status: 202, ids: ids(first) })
      expect(again.json[BATCH][0].status).toBe('granted')
      const turned = await post({ [BATCH]: two()[BATCH].reverse() }, key)
      expect(ids(turned)).toEqual(ids(first).reverse())
    })

    it.each<[string, () => unknown]>([
      ['another state', () => two('t')],
      ['fewer items', () => ({ [BATCH]: two()[BATCH].slice(1) })],
      ['more items', () => ({ [BATCH]: [...two()[BATCH], good({ email: 'carla@acme.example' })] })],
      ['another mailbox', () => ({ [BATCH]: [good(), good({ email: 'carla@acme.example' })] })],
      ['another scope', () => ({ [BATCH]: [good({ scope: 'free_busy' }), two()[BATCH][1]] })],
    ])('refuses %s under the same key', async (_what, body) => {
      const key = { 'idempotency-key': `other ${_what}` }
      expect((await post(two(), key)).status).toBe(202)
      const before = await count()
      const { status, json } = await post(body(), key)
      expect({ status, error: json.error }).toEqual({ status: 409, error: 'conflict' })
      expect(await count()).toBe(before)
    })

    it('makes one set of requests out of ten calls at once', async () => {
      const before = await count()
      const answers = await Promise.all(Array.from({ length: 10 }, () => post(two(), { 'idempotency-key': 'at once' })))
      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(202))
      expect(new Set(answers.flatMap(ids)).size).toBe(2)
      expect(await count()).toBe(before + 2)
    })

    it('keeps clients apart', async () => {
      const other = await stage.api.addClient('Rival')
      const theirs = await stage.api.authorise(other, 'umbrella')
      const key = { 'idempotency-key': 'same' }
      const answer = await post(good({ email: 'ursula@umbrella.test' }), key, theirs)
      expect(answer.status).toBe(202)
      expect(await count(theirs)).toBe(1)
    })

    it.each(['', 'k'.repeat(256)])('refuses a key that is empty or too long', async (key) => {
      const { status, json } = await post(good(), { 'idempotency-key': key })
      expect(status).toBe(422)
      expect(Object.keys(json.errors)).toEqual(['Idempotency-Key'])
    })
  })
})
