import { z } from 'zod'
import { Refused } from './answer.js'
import { mutation } from './mutation.js'
import { ShiftableClock } from './shiftable-clock.js'
import { StandIn } from './stand-in.js'

describe('a stand-in', () => {
  let standIn: StandIn
  let lamp = 'off'

  beforeEach(async () => {
    standIn = new StandIn({
      name: 'receiver',
      about: 'A lamp.',
      tryThis: ['GET /lamp'],
      clock: new ShiftableClock(),
      errors: { 'lamp.broken': { path: '/lamp', status: 503, json: { error: 'broken' } } },
      mutations: [
        mutation('switch', 'Switches the lamp.', z.strictObject({ to: z.enum(['on', 'off']) }), ({ to }) => {
          lamp = to
        }),
      ],
      seed: {
        schema: z.strictObject({ lamp: z.string() }),
        load: (seed) => {
          lamp = (seed as { lamp: string }).lamp
        },
      },
      state: () => ({ lamp }),
      subjectOf: (request) => (request.query as { who?: string }).who ?? null,
      unreadable: (status, message) => ({ status, json: { unreadable: message } }),
    })
    standIn.http.get('/lamp', async () => ({ lamp }))
    standIn.http.post('/lamp', async (request) => ({ got: request.body }))
    standIn.http.get('/refused', async () => {
      throw new Refused({ status: 418, json: { error: 'teapot' } })
    })
    await standIn.listen(0)
  })
  afterEach(() => standIn.close())

  const get = (path: string, init?: RequestInit) => fetch(`${standIn.url}${path}`, init)
  const post = (path: string, body: unknown) =>
    get(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const fault = async (rule: object) => expect((await post('/__sandbox/faults', rule)).status).toBe(201)

  it('reads forms, and answers refusals, unknown paths and broken JSON in the shape of its provider', async () => {
    const form = await get('/lamp', { method: 'POST', body: new URLSearchParams({ a: 'b c' }) })
    expect(await form.json()).toEqual({ got: { a: 'b c' } })
    expect((await get('/refused')).status).toBe(418)
    expect(await (await get('/nowhere')).json()).toEqual({ unreadable: 'GET /nowhere is not here' })
    const broken = await get('/lamp', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' })
    expect(broken.status).toBe(400)
  })

  it('journals each request with its subject and status, and no secret', async () => {
    await get('/lamp?who=anna&access_token=s3cret', {
      headers: { authorization: 'Bearer s3cret', 'x-provider-host': 'www.googleapis.com' },
    })
    await get('/nowhere')
    const { entries } = (await (await get('/__sandbox/journal')).json()) as { entries: Record<string, unknown>[] }
    expect(entries).toMatchObject([
      {
        number: 1,
        path: '/lamp?who=anna&access_token=[hidden]',
        subject: 'anna',
        status: 200,
        providerHost: 'www.googleapis.com',
      },
      { number: 2, path: '/nowhere', status: 404, tokenHash: null },
    ])
    expect(entries[0]?.tokenHash).toMatch(/^[0-9a-f]{12}$/)
    expect(JSON.stringify(entries)).not.toContain('s3cret')
    const filtered = (await (await get('/__sandbox/journal?status=404')).json()) as { entries: unknown[] }
    expect(filtered.entries).toHaveLength(1)
    await get('/__sandbox/journal', { method: 'DELETE' })
    expect(standIn.journal.list()).toEqual([])
  })

  it('answers with a named error so many times, on the path where the provider gives it', async () => {
    await fault({ error: 'lamp.broken', times: 2 })
    expect((await get('/refused')).status).toBe(418)
    expect((await get('/lamp')).status).toBe(503)
    expect(await (await get('/lamp')).json()).toEqual({ error: 'broken' })
    expect((await get('/lamp')).status).toBe(200)
    expect(standIn.faults.list()).toEqual([])
  })

  it('fails only what the rule describes, until the rule is removed', async () => {
    await fault({
      method: 'post',
      path: '/la*',
      contains: 'Anna',
      answer: { status: 429, headers: { 'retry-after': '2' } },
    })
    expect((await get('/lamp?who=anna')).status).toBe(200)
    expect((await post('/lamp', { who: 'bernd' })).status).toBe(200)
    const throttled = await post('/lamp', { who: 'ANNA@x.test' })
    expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '2'])
    const { faults } = (await (await get('/__sandbox/faults')).json()) as { faults: { id: string; hits: number }[] }
    expect(faults).toMatchObject([{ hits: 1 }])
    expect((await get(`/__sandbox/faults/${faults[0]?.id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await post('/lamp', { who: 'anna' })).status).toBe(200)
  })

  it('hangs, resets, delays, cuts JSON short and answers HTML', async () => {
    await fault({ path: '/lamp', hang: true, times: 1 })
    await expect(get('/lamp', { signal: AbortSignal.timeout(150) })).rejects.toThrow(/timeout/)
    await fault({ path: '/lamp', reset: true, times: 1 })
    await expect(get('/lamp')).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    await fault({ path: '/lamp', truncate: true, times: 1 })
    await expect((await get('/lamp')).json()).rejects.toThrow(/JSON/)
    await fault({ path: '/lamp', answer: { status: 503, html: '<h1>503</h1>' }, times: 1 })
    expect((await get('/lamp')).headers.get('content-type')).toContain('text/html')
    await fault({ path: '/lamp', delayMs: 80, times: 1 })
    const before = performance.now()
    expect((await get('/lamp')).status).toBe(200)
    expect(performance.now() - before).toBeGreaterThan(75)
    expect(standIn.journal.list().map((entry) => entry.fault)).toEqual(['hang', 'reset', 'truncate', 'answer', 'delay'])
  })

  it('says what would be right when a control request is wrong', async () => {
    const errorsOf = async (path: string, body: unknown) => {
      const answer = await post(path, body)
      return { status: answer.status, ...((await answer.json()) as object) }
    }
    expect(await errorsOf('/__sandbox/faults', { path: '/lamp' })).toEqual({
      status: 422,
      errors: ['body: does nothing: give one of error, answer, hang, reset, truncate, delayMs'],
    })
    expect(await errorsOf('/__sandbox/faults', { error: 'lamp.brokn' })).toEqual({
      status: 422,
      errors: [expect.stringContaining('"lamp.broken"')],
    })
    expect(await errorsOf('/__sandbox/mutations', { mutation: 'paint' })).toEqual({
      status: 422,
      errors: ['mutation: there is no "paint"; there are switch, shift-clock'],
    })
    expect(await errorsOf('/__sandbox/mutations', { mutation: 'switch', to: 'green' })).toMatchObject({ status: 422 })
    expect(await errorsOf('/__sandbox/seed', {})).toMatchObject({ status: 422 })
  })

  it('changes and replaces its world, moves its clock, and lists all it offers', async () => {
    await post('/__sandbox/mutations', { mutation: 'switch', to: 'on' })
    expect(await (await get('/__sandbox/state')).json()).toEqual({ lamp: 'on' })
    await post('/__sandbox/seed', { lamp: 'red' })
    expect(await (await get('/lamp')).json()).toEqual({ lamp: 'red' })
    await post('/__sandbox/mutations', { mutation: 'shift-clock', seconds: 3600 })
    expect(standIn.definition.clock.nowMs() - Date.now()).toBeGreaterThan(3_599_000)
    await post('/__sandbox/seed', { lamp: 'red' })
    expect(standIn.definition.clock.nowMs() - Date.now()).toBeLessThan(1_000)
    expect(await (await get('/__sandbox/seed')).json()).toMatchObject({ properties: { lamp: { type: 'string' } } })
    const listed = JSON.stringify(await (await get('/__sandbox/')).json())
    for (const word of ['switch', 'lamp.broken', 'GET /lamp', 'delayMs']) expect(listed).toContain(word)
  })

  it('stops at once although a request hangs', async () => {
    await fault({ path: '/lamp', hang: true })
    const hanging = expect(get('/lamp')).rejects.toThrow()
    while (standIn.journal.total === 0) await new Promise(setImmediate)
    await standIn.close()
    await hanging
  })
})
