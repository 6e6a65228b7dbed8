import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import type { ServiceAccount } from './public-api.js'
import { allRequests, Stage } from './stage.js'

const PATH = '/v1/service_account_authorizations'

describe(`GET ${PATH}`, () => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let acme: ServiceAccount

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl)
    const client = await stage.api.addClient('Scheduler')
    acme = await stage.api.authorise(client, 'acme')
    // However slow the machine is, the next attempt does not come while the test looks.
    const answers = [{ answer: { status: 500, headers: { 'retry-after': '600' } } }]
    stage.receiver.standIn.mutate('answer-in-turn', { contains: '"unheard"', answers })
    const ids = await stage.ask(
      acme,
      { email: 'anna@acme.test', state: 'first' },
      { email: 'ben@acme.test', state: 'a state & more, ü' },
      { email: 'suspended@acme.test', state: 'denied' },
      { email: 'carla@acme.example', state: 'unheard' },
    )
    for (const id of ids.slice(0, 3)) await stage.requestOnce('delivered', acme, id)
    await stage.ask(acme, { email: 'anna@acme.test', state: 'second', scope: 'free_busy list_calendars' })
    await stage.told('second')
    await stage.told('unheard')
  })
  afterAll(() => stage?.close())

  const get = (path: string, query: Record<string, string> = {}) =>
    stage.api.call('GET', `${PATH}${path}?${new URLSearchParams(query)}`, { token: acme.accessToken })
  const statesFor = async (query: Record<string, string>) => {
    const { status, json } = await get('', query)
    expect(status).toBe(200)
    return json.service_account_authorizations.map(({ state }: { state: string }) => state).sort()
  }

  it.each<[Record<string, string>, string[]]>([
    [{ status: 'denied' }, ['denied']],
    [{ status: 'pending' }, []],
    [{ callback: 'waiting' }, ['unheard']],
    [{ callback: 'abandoned' }, []],
    [{ email: 'anna@acme.test' }, ['first', 'second']],
    [{ email: 'ANNA@Acme.test' }, ['first', 'second']],
    [{ email: 'no address' }, []],
    [{ state: 'a state & more, ü' }, ['a state & more, ü']],
    [{ state: 'A state' }, []],
    [{ status: 'granted', callback: 'delivered', email: 'anna@acme.test', state: 'second' }, ['second']],
  ])('finds by %p', async (query, states) => {
    // What has just been told may still be on its way into the row.
    if (query.callback === 'delivered') await stage.requestOnce('delivered', acme, (await newest()).id)
    expect(await statesFor(query)).toEqual(states)
  })

  const newest = async () => (await get('', { limit: '1' })).json.service_account_authorizations[0]

  it.each([1, 2, 3, 5, 100])('goes through all of them in pages of %d, newest first', async (limit) => {
    const all = await allRequests(stage, acme, limit)
    expect(new Set(all.map(({ id }) => id)).size).toBe(5)
    expect(all).toHaveLength(5)
    expect(all[0].state).toBe('second')
    const times = all.map(({ created_at }) => created_at)
    expect(times).toEqual([...times].sort().reverse())
  })

  it.each<[string, Record<string, string>]>([
    ['status', { status: 'lost' }],
    ['callback', { callback: 'sent' }],
    ['limit', { limit: '0' }],
    ['limit', { limit: '101' }],
    ['limit', { limit: 'many' }],
    ['limit', { limit: '1e1000' }],
    ['cursor', { cursor: 'x' }],
    ['cursor', { cursor: Buffer.from("2026-01-01T00:00:00Z dar_' or 1=1").toString('base64url') }],
    ['cursor', { cursor: Buffer.from('999999-13-77 dar_00').toString('base64url') }],
    ['cursor', { cursor: Buffer.from('+275760-09-13T00:00:00.000Z dar_00').toString('base64url') }],
    ['state', { state: '\0' }],
    ['email', { email: 'a\0@acme.test' }],
  ])('refuses a wrong %s: %p', async (field, query) => {
    const { status, json } = await get('', query)
    expect(status).toBe(422)
    expect(Object.keys(json.errors)).toEqual([field])
  })

  it('refuses a filter given twice', async () => {
    const { status, json } = await stage.api.call('GET', `${PATH}?state=a&state=b`, { token: acme.accessToken })
    expect({ status, fields: Object.keys(json.errors) }).toEqual({ status: 422, fields: ['state'] })
  })

  it('shows one request with its attempts, and neither code nor token', async () => {
    const { id } = await newest()
    await stage.requestOnce('delivered', acme, id)
    const { status, json } = await get(`/${id}`)
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(status).toBe(200)
    expect(json).toEqual({
      id,
      email: 'anna@acme.test',
      state: 'second',
      status: 'granted',
      callback: 'delivered',
      callback_url: stage.callbackUrl,
      scope: 'free_busy list_calendars',
      error: null,
      error_key: null,
      error_description: null,
      account_id: expect.stringMatching(/^acc_[0-9a-f]{24}$/),
      abandoned_because: null,
      attempts: 1,
      last_attempt: { number: 1, started_at: time, milliseconds: expect.any(Number), status: 200, failure: null },
      next_attempt_at: null,
      held_since: null,
      held_back_by: null,
      created_at: time,
      decided_at: time,
      ended_at: time,
      callback_attempts: [
        { number: 1, started_at: time, milliseconds: expect.any(Number), status: 200, failure: null },
      ],
    })
  })

  it('shows when the next attempt is due', async () => {
    const [unheard] = (await get('', { state: 'unheard' })).json.service_account_authorizations
    expect(unheard).toMatchObject({ callback: 'waiting', attempts: 1 })
    expect(Date.parse(unheard.next_attempt_at)).toBeGreaterThan(Date.parse(unheard.decided_at))
  })

  it.each([
    'dar_000000000000000000000000',
    'dar_',
    'x',
    '%00',
    'dar_%00',
    '%FF',
    '%ED%A0%80',
    "'%20or%201=1",
    '..%2f..%2fhealth%2flive',
    'ü',
    'a'.repeat(400),
  ])('answers 404 for an id that is none: %s', async (id) => {
    for (const [method, path] of [
      ['GET', `${PATH}/${id}`],
      ['POST', `${PATH}/${id}/redeliver`],
      ['POST', `${PATH}/${id}/cancel`],
    ] as const) {
      const { status, json } = await stage.api.call(method, path, { token: acme.accessToken })
      expect({ status, error: json.error }).toEqual({ status: 404, error: 'not_found' })
    }
  })

  it('survives what SDKs send with a GET: a JSON type without a body, and a body', async () => {
    const { status } = await stage.api.call('GET', `${PATH}/`, {
      token: acme.accessToken,
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip;q=1.0,deflate;q=0.6,identity;q=0.3' },
    })
    expect(status).toBe(200)
  })
})
