import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Readable } from 'node:stream'
import { until } from '#platform/testing/until.js'
import { NoAnswer, ProviderHttp, providerDispatcher, withoutHopByHop } from './provider-http.js'

/** Long enough that a busy machine answers in time, and short enough to wait for where the server never does. */
const PATIENT_MS = 20_000
const IMPATIENT_MS = 300

describe('plain HTTP to a provider', () => {
  let server: Server
  let origin: string
  let answer: RequestListener
  let http: ProviderHttp
  let impatient: ProviderHttp

  beforeAll(async () => {
    server = createServer((request, response) => answer(request, response))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    http = withDeadline(PATIENT_MS)
    impatient = withDeadline(IMPATIENT_MS)
  })
  const withDeadline = (ms: number) => new ProviderHttp('google', providerDispatcher(new URL(origin), ms), ms)
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  it('reads JSON, and says so when it is none', async () => {
    answer = (_, response) => response.end('{"a":1}')
    expect(await http.call(origin)).toMatchObject({ status: 200, json: { a: 1 } })
    answer = (_, response) => response.writeHead(502, { 'retry-after': '3' }).end('<!DOCTYPE html>')
    expect(await http.call(origin)).toMatchObject({ status: 502, json: undefined, headers: { 'retry-after': '3' } })
  })

  it('does not follow a redirect, and so takes no token anywhere else', async () => {
    let requests = 0
    answer = (_, response) => {
      requests += 1
      response.writeHead(302, { location: `${origin}/elsewhere` }).end()
    }
    expect((await http.call(origin, { headers: { authorization: 'Bearer t' } })).status).toBe(302)
    expect(requests).toBe(1)
  })

  it.each<[string, RequestListener]>([
    ['hangs', () => {}],
    ['hangs half-way', (_, response) => response.write('{"a":')],
    ['hangs up', (request) => request.socket.destroy()],
  ])('gives up in time on a server that %s', async (_, behaviour) => {
    answer = behaviour
    await expect(impatient.call(origin)).rejects.toBeInstanceOf(NoAnswer)
  })

  it('sends a read exactly as it was admitted, with the credential and without anybody else’s', async () => {
    let seen: { url?: string; headers?: object } = {}
    answer = ({ url, headers }, response) => {
      seen = { url, headers }
      response
        .writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'a=b', connection: 'close' })
        .end('{}')
    }
    const read = {
      method: 'GET' as const,
      pathAndQuery: '/calendar/v3/calendars/a%2Fb/../x?q=%20',
      headers: {
        Accept: 'application/json',
        Authorization: 'Bearer stolen',
        cookie: 'c',
        'x-mine': '1',
        Connection: 'x-mine',
      },
    }
    const got = await http.pass(origin, read, { authorization: 'Bearer ours' })
    expect(seen.url).toBe(read.pathAndQuery)
    expect(seen.headers).toMatchObject({ accept: 'application/json', authorization: 'Bearer ours' })
    expect(seen.headers).not.toHaveProperty('cookie')
    expect(seen.headers).not.toHaveProperty('x-mine')
    for (const name of ['set-cookie', 'connection', 'transfer-encoding']) expect(got.headers).not.toHaveProperty(name)
    expect(got.headers['content-type']).toBe('application/json')
  })

  it('hands over a short answer whole, and one that breaks off as one that does', async () => {
    const read = { method: 'GET' as const, pathAndQuery: '/', headers: {} }
    answer = (_, response) => response.write('{"a":', () => response.end('1}'))
    expect((await http.pass(origin, read, {})).body).toEqual(Buffer.from('{"a":1}'))
    answer = (_, response) => response.write('{"a":', () => response.destroy())
    const broken = await http.pass(origin, read, {})
    expect(broken.status).toBe(200)
    await expect(Array.fromAsync(broken.body as Readable)).rejects.toThrow('other side closed')
  })

  it.each([204, 304])('hands over a %d, which has no body, as an empty one', async (status) => {
    answer = (_, response) => response.writeHead(status, { etag: 'e' }).end()
    const got = await http.pass(origin, { method: 'GET' as const, pathAndQuery: '/', headers: {} }, {})
    expect([got.status, got.headers.etag, got.body]).toEqual([status, 'e', Buffer.alloc(0)])
  })

  it('takes an interim answer for none', async () => {
    const read = { method: 'GET' as const, pathAndQuery: '/', headers: {} }
    const hints = { link: '</style.css>; rel=preload' }
    answer = (_, response) => response.writeEarlyHints(hints, () => response.end('{}'))
    expect(await http.pass(origin, read, {})).toMatchObject({ status: 200, body: Buffer.from('{}') })
    answer = (_, response) => response.writeEarlyHints(hints, () => response.destroy())
    await expect(http.pass(origin, read, {})).rejects.toThrow(NoAnswer)
  })

  it('streams a long one, also one that takes longer than the deadline as a whole', async () => {
    const steady = withDeadline(1_500)
    answer = (_, response) => {
      let sent = 0
      const timer = setInterval(() => {
        sent += 1
        if (sent < 6) response.write('x'.repeat(40_000))
        else {
          clearInterval(timer)
          response.end()
        }
      }, 300)
      timer.unref()
    }
    const { body } = await steady.pass(origin, { method: 'GET' as const, pathAndQuery: '/', headers: {} }, {})
    expect(body).toBeInstanceOf(Readable)
    const chunks = await Array.fromAsync(body as Readable)
    expect(Buffer.concat(chunks).length).toBe(200_000)
    expect(chunks.length).toBeGreaterThan(1)
  })

  it('takes a long one no faster than it is read, and ends it with its caller', async () => {
    let sender: Socket | null = null
    answer = (_, response) => {
      sender = response.socket
      response.end(Buffer.alloc(64 * 1024 * 1024))
    }
    const caller = new AbortController()
    const read = { method: 'GET' as const, pathAndQuery: '/', headers: {}, signal: caller.signal }
    const body = (await http.pass(origin, read, {})).body as Readable
    const left: number[] = []
    await until('the sender to wait', () => left.push(sender!.writableLength) > 1 && left.at(-1) === left.at(-2))
    expect(body.readableLength).toBeLessThan(1024 * 1024)
    caller.abort()
    await until('the sender to be left', () => sender!.destroyed)
    expect(body.destroyed).toBe(true)
  })

  it('gives up on a read whose first byte does not come, and on one whose caller has left', async () => {
    answer = () => {}
    await expect(
      impatient.pass(origin, { method: 'GET' as const, pathAndQuery: '/', headers: {} }, {}),
    ).rejects.toBeInstanceOf(NoAnswer)
    const left = AbortSignal.abort()
    await expect(
      http.pass(origin, { method: 'GET' as const, pathAndQuery: '/', headers: {}, signal: left }, {}),
    ).rejects.toBeInstanceOf(NoAnswer)
  })

  it('sends a read nowhere but to the provider’s origin', async () => {
    const read = http.pass(origin, { method: 'GET' as const, pathAndQuery: 'http://127.0.0.1:9/', headers: {} }, {})
    await expect(read).rejects.toBeInstanceOf(TypeError)
  })

  it('drops what a connection header names, in any case', () => {
    const named = { 'x-secret': '1', 'x-other': '1', ETag: 'e' }
    expect(withoutHopByHop({ Connection: 'keep-alive, X-Secret\t,\tX-Other', ...named })).toEqual({ etag: 'e' })
  })
})
