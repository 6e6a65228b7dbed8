import { until } from '#platform/testing/until.js'
import { type Receiver, startReceiver } from './receiver.js'

describe('the callback receiver', () => {
  let receiver: Receiver

  beforeEach(async () => {
    receiver = await startReceiver({ capacity: 5 })
  })
  afterEach(() => receiver.standIn.close())

  const post = (path: string, body: string | Uint8Array<ArrayBuffer> = '{}', init: RequestInit = {}) =>
    fetch(`${receiver.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'manual',
      ...init,
    })
  const script = (input: object) => receiver.standIn.mutate('answer-in-turn', { ...input })
  const fault = (rule: object) => control('POST', 'faults', rule)
  const control = (method: string, path: string, body?: object) =>
    fetch(`${receiver.url}/__sandbox/${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })

  it('keeps each request byte for byte, whatever it is called, and answers 200', async () => {
    const bytes = Uint8Array.of(0x7b, 0xff, 0x00, 0x7d)
    const before = Date.now()
    const answers = [
      await post('/hook?client=7', ' {"a": 1}\n', {
        headers: { 'X-Signature': 'sha256=ab', 'content-type': 'text/odd' },
      }),
      await post('/hook', bytes, { headers: {} }),
      await fetch(`${receiver.url}/empty`, { method: 'POST' }),
      await post('/broken', '{', { headers: { 'content-type': 'application/json' } }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const [first, second, empty, broken] = receiver.deliveries.list()
    expect(first).toMatchObject({ number: 1, method: 'POST', path: '/hook?client=7', status: 200 })
    expect(first?.headers['x-signature']).toBe('sha256=ab')
    expect(first?.body.toString()).toBe(' {"a": 1}\n')
    expect(first?.at.getTime()).toBeGreaterThanOrEqual(before)
    expect(second?.body.equals(bytes)).toBe(true)
    expect(empty?.body).toHaveLength(0)
    expect(broken?.body.toString()).toBe('{')
  })

  it('shows deliveries over HTTP, filtered, and forgets them without reusing a number', async () => {
    for (const name of ['anna', 'ben', 'carla']) await post(`/hook/${name}`, JSON.stringify({ name }))
    const shown = async (query: string) => {
      const answer = await (await control('GET', `deliveries${query}`)).json()
      return answer as {
        total: number
        deliveries: { number: number; body: string; bodyBase64: string; path: string }[]
      }
    }
    expect(await shown('')).toMatchObject({ total: 3, deliveries: [{ path: '/hook/anna' }, {}, { number: 3 }] })
    expect((await shown('?since=1')).deliveries.map(({ number }) => number)).toEqual([2, 3])
    expect((await shown('?path=ben')).deliveries).toMatchObject([
      { body: '{"name":"ben"}', bodyBase64: Buffer.from('{"name":"ben"}').toString('base64') },
    ])
    expect((await shown('?contains=carla')).deliveries).toHaveLength(1)
    expect((await shown('?limit=1')).deliveries).toMatchObject([{ number: 3 }])
    expect((await control('GET', 'deliveries?limit=none')).status).toBe(422)
    expect((await control('DELETE', 'deliveries')).status).toBe(204)
    expect(await shown('')).toEqual({ total: 0, deliveries: [] })
    await post('/hook')
    expect((await shown('')).deliveries).toMatchObject([{ number: 4 }])
  })

  it('keeps only the newest when there are too many, and counts them all', async () => {
    for (let number = 1; number <= 7; number += 1) await post('/hook')
    expect(receiver.deliveries.list().map(({ number }) => number)).toEqual([3, 4, 5, 6, 7])
    expect(receiver.deliveries.total).toBe(7)
  })

  it('answers in turn as scripted, per path and per query, then 200 again', async () => {
    script({ path: '/a', answers: [503, { answer: { status: 429, headers: { 'retry-after': '7' } } }, 200] })
    script({ contains: 'client=9', answers: [410] })
    expect((await post('/b')).status).toBe(200)
    expect((await post('/a')).status).toBe(503)
    const throttled = await post('/a')
    expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '7'])
    expect((await post('/b?client=9')).status).toBe(410)
    expect([(await post('/a')).status, (await post('/a')).status, (await post('/b?client=9')).status]).toEqual([
      200, 200, 200,
    ])
    expect(receiver.deliveries.total).toBe(7)
  })

  it('keeps a delivery that it hangs or resets on, with no status', async () => {
    script({ answers: [{ reset: true }, { hang: true }] })
    await expect(post('/hook', 'reset')).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    await expect(post('/hook', 'hang', { signal: AbortSignal.timeout(150) })).rejects.toThrow(/timeout/)
    expect(receiver.deliveries.list().map(({ body, status }) => [body.toString(), status])).toEqual([
      ['reset', null],
      ['hang', null],
    ])
  })

  it('redirects, delays, finds words in bodies, and says gone by name', async () => {
    await fault({ error: 'redirect', times: 1 })
    const redirect = await post('/hook')
    expect([redirect.status, redirect.headers.get('location')]).toEqual([302, '/elsewhere'])
    await fault({ contains: 'ANNA@acme.test', error: 'gone' })
    expect((await post('/hook', '{"email":"anna@acme.test"}')).status).toBe(410)
    expect((await post('/hook', '{"email":"ben@acme.test"}')).status).toBe(200)
    await fault({ path: '/slow', delayMs: 80 })
    const before = performance.now()
    expect((await post('/slow')).status).toBe(200)
    expect(performance.now() - before).toBeGreaterThan(75)
  })

  it('drips an answer byte by byte', async () => {
    const headers = { 'x-sandbox-drip-ms': '20' }
    await fault({ path: '/drip', answer: { status: 200, text: 'slowly', headers }, times: 1 })
    const before = performance.now()
    const answer = await post('/drip')
    const headAfter = performance.now() - before
    expect(answer.headers.get('x-sandbox-drip-ms')).toBeNull()
    expect(await answer.text()).toBe('slowly')
    expect(performance.now() - before).toBeGreaterThan(headAfter + 80)
  })

  it('awaits its listeners before it answers, until they stop listening', async () => {
    const heard: string[] = []
    const { promise: exchanged, resolve: exchange } = Promise.withResolvers<void>()
    const stop = receiver.onDelivery(({ body }) => {
      heard.push(body.toString())
      return exchanged
    })
    let answered = false
    const posting = post('/hook', 'one').then(() => {
      answered = true
    })
    await until('the delivery', () => heard.length > 0)
    // A whole round trip later the first is still waiting.
    await control('GET', 'deliveries')
    expect(answered).toBe(false)
    exchange()
    await posting
    stop()
    await post('/hook', 'two')
    expect(heard).toEqual(['one'])
  })

  it('answers 500 when a listener fails, so that a test cannot overlook it', async () => {
    receiver.onDelivery(() => {
      throw new Error('the exchange failed')
    })
    const answer = await post('/hook')
    expect([answer.status, await answer.text()]).toEqual([500, 'the exchange failed'])
    expect(receiver.deliveries.list()).toMatchObject([{ status: 500 }])
  })
})
