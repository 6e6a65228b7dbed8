import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { Test } from '@nestjs/testing'
import { until } from '#platform/testing/until.js'
import { allowUrl } from './allowed-url.js'
import { EgressClient } from './egress-client.js'
import { EgressPolicy, LOOPBACK_RULES } from './egress-policy.js'
import { type Receiver, startRawReceiver, startReceiver } from './testing/receiver.js'

const policy = new EgressPolicy({ allow: LOOPBACK_RULES })
let client: EgressClient
const receivers: Receiver[] = []

beforeEach(() => {
  client = new EgressClient(policy)
})

afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()))
  await client.close()
})

async function receiver(answer: RequestListener): Promise<Receiver> {
  receivers.push(await startReceiver(answer))
  return receivers.at(-1)!
}

/** Answers with these bytes, and leaves the socket open. */
async function rawReceiver(answer: string | ((socket: Socket) => void)): Promise<Receiver> {
  receivers.push(await startRawReceiver(typeof answer === 'string' ? (socket) => socket.write(answer) : answer))
  return receivers.at(-1)!
}

const post = ({ port }: Receiver, { totalTimeoutMs = 5_000, body = '{"n":1}', path = '/callback?x=1' } = {}) =>
  client.post(allowUrl(`http://127.0.0.1:${port}${path}`, policy), {
    headers: { 'content-type': 'application/json', 'webhook-id': 'msg_1' },
    body,
    totalTimeoutMs,
  })

describe('a call', () => {
  it('sends body and headers as given, and answers status, headers and the beginning of the body', async () => {
    const target = await receiver((_request, response) => response.writeHead(202, { 'X-Seen': 'yes' }).end('taken ✓\n'))
    const body = '{"authorization":{"state":"ü \u0000 "}}'
    const answer = await post(target, { body })
    expect(answer).toMatchObject({ status: 202, headers: { 'x-seen': 'yes' }, bodyExcerpt: 'taken ✓\n' })
    expect(answer.milliseconds).toBeGreaterThanOrEqual(0)
    expect(target.requests).toEqual([expect.objectContaining({ method: 'POST', url: '/callback?x=1', body })])
    const { headers } = target.requests[0]!
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': 'msg_1',
      host: `127.0.0.1:${target.port}`,
    })
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)))
    expect(headers['accept-encoding']).toBeUndefined()
  })

  it.each([200, 201, 204, 400, 404, 410, 500, 503])('hands over status %i as an answer', async (status) => {
    const target = await receiver((_request, response) => response.writeHead(status).end())
    expect(await post(target)).toMatchObject({ status, bodyExcerpt: '' })
  })

  it.each(['120', 'Wed, 21 Oct 2026 07:28:00 GMT', '-1', 'soon'])(
    'passes Retry-After: %s on untouched',
    async (value) => {
      const target = await receiver((_request, response) => response.writeHead(429, { 'Retry-After': value }).end())
      expect((await post(target)).headers['retry-after']).toBe(value)
    },
  )

  it.each([301, 302, 303, 307, 308])('never follows a %i', async (status) => {
    const trap = await receiver((_request, response) => response.end('in'))
    const location = `http://127.0.0.1:${trap.port}/`
    const target = await receiver((_request, response) => response.writeHead(status, { location }).end())
    expect(await post(target)).toMatchObject({ status, headers: { location } })
    expect(trap.connections()).toBe(0)
  })

  it('waits for the final answer behind a 103, which is none itself', async () => {
    const hint = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'
    const target = await rawReceiver(`${hint}HTTP/1.1 204 No Content\r\n\r\n`)
    expect(await post(target)).toMatchObject({ status: 204, headers: {} })
    await expect(post(await rawReceiver(hint), { totalTimeoutMs: 150 })).rejects.toMatchObject({
      code: 'egress.timed_out',
    })
  })

  it('does not look at proxy variables', async () => {
    const trap = await receiver((_request, response) => response.end('proxy'))
    const target = await receiver((_request, response) => response.end('target'))
    const variables = ['http_proxy', 'HTTP_PROXY', 'ALL_PROXY']
    for (const name of variables) process.env[name] = `http://127.0.0.1:${trap.port}`
    client = new EgressClient(policy)
    expect(await post(target)).toMatchObject({ bodyExcerpt: 'target' })
    for (const name of variables) delete process.env[name]
    expect(trap.connections()).toBe(0)
  })
})

describe('an answer that is late', () => {
  const late = { totalTimeoutMs: 150 }

  it('times out when nothing comes', async () => {
    const target = await rawReceiver(() => {})
    const started = performance.now()
    await expect(post(target, late)).rejects.toMatchObject({
      code: 'egress.timed_out',
      retry: 'later',
      publicText: `127.0.0.1:${target.port} did not answer within 0.15 s.`,
    })
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it('times out while headers drip', async () => {
    const target = await rawReceiver((socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx-drip: '))
    await expect(post(target, late)).rejects.toMatchObject({ code: 'egress.timed_out' })
    await until('the dripping socket to be closed', () => closedSockets(target))
  })

  it('is an answer once its headers are here, though its body drips until the deadline', async () => {
    const target = await rawReceiver((socket) =>
      drip(socket, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\nx\r\n'),
    )
    const answer = await post(target, late)
    expect(answer).toMatchObject({ status: 200, bodyExcerpt: expect.stringMatching(/^x+$/) })
    expect(answer.milliseconds).toBeGreaterThanOrEqual(140)
    expect(answer.milliseconds).toBeLessThan(2_000)
    await until('the dripping socket to be closed', () => closedSockets(target))
  })

  it('is never asked for when the deadline passed in the queue for a socket', async () => {
    const waiting: (() => void)[] = []
    const target = await receiver((_request, response) => waiting.push(() => response.end()))
    const first = Array.from({ length: 32 }, () => post(target))
    await until('every socket to be busy', () => waiting.length === 32)
    await expect(post(target, { ...late, path: '/too-late' })).rejects.toMatchObject({ code: 'egress.timed_out' })
    for (const answer of waiting.splice(0)) answer()
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual(Array(32).fill(200))
    const next = post(target)
    await until('the next request to arrive', () => waiting.length === 1)
    waiting[0]!()
    expect((await next).status).toBe(200)
    expect(target.requests.map(({ url }) => url)).not.toContain('/too-late')
    expect(target.connections()).toBe(32)
  })
})

describe('an answer that is too much', () => {
  it('is cut at 64 KiB when it never ends, and keeps 4 KiB', async () => {
    let sent = 0
    const target = await rawReceiver((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
      const more = () => {
        while (!socket.destroyed && socket.write(`2000\r\n${'y'.repeat(0x2000)}\r\n`)) sent += 0x2000
      }
      socket.on('drain', more)
      more()
    })
    const answer = await post(target)
    expect(answer).toMatchObject({ status: 200, bodyExcerpt: 'y'.repeat(4096) })
    expect(answer.milliseconds).toBeLessThan(4_000)
    await until('the endless socket to be closed', () => closedSockets(target))
    expect(sent).toBeLessThan(16 * 1024 * 1024) // what the kernel's buffers swallowed
  })

  it('is read to its end below that', async () => {
    const target = await receiver((_request, response) => response.end('z'.repeat(60_000)))
    expect((await post(target)).bodyExcerpt).toBe('z'.repeat(4096))
    for (let n = 0; n < 5; n++) await post(target)
    expect(target.connections()).toBeLessThanOrEqual(2) // a socket cut off could not have been used again
  })

  it('is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    const target = await receiver((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    )
    expect(await post(target)).toMatchObject({ status: 200, bodyExcerpt: '[compressed]' })
  })

  it('is refused when it floods headers', async () => {
    const target = await rawReceiver(`HTTP/1.1 200 OK\r\n${'x-flood: 0123456789\r\n'.repeat(2_000)}\r\n`)
    await expect(post(target)).rejects.toMatchObject({ code: 'egress.answer_malformed', retry: 'later' })
  })
})

describe('an answer that is broken', () => {
  it.each([
    'SSH-2.0-OpenSSH_9.6\r\n',
    'HTTP/1.1 OK\r\n\r\n',
    'HTTP/9.9 200 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
    'HTTP/1.1 200 OK\r\nbad header\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  ])('fails as malformed: %j', async (bytes) => {
    await expect(post(await rawReceiver(bytes))).rejects.toMatchObject({ code: 'egress.answer_malformed' })
  })

  it('fails when the connection is reset before it', async () => {
    const target = await rawReceiver((socket) => socket.resetAndDestroy())
    await expect(post(target)).rejects.toMatchObject({
      code: 'egress.connection_failed',
      retry: 'later',
      publicText: expect.stringContaining(`127.0.0.1:${target.port}`),
    })
  })

  it('fails when the connection closes without it, or switches protocols', async () => {
    await expect(post(await rawReceiver((socket) => socket.end()))).rejects.toMatchObject({
      code: 'egress.connection_failed',
    })
    const upgrade = await rawReceiver('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
    await expect(post(upgrade)).rejects.toMatchObject({ code: 'egress.connection_failed' })
  })

  it('fails when nobody listens', async () => {
    const target = await receiver(() => {})
    await target.close()
    await expect(post(target)).rejects.toMatchObject({
      code: 'egress.connection_failed',
      publicText: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('counts when it breaks off after its headers', async () => {
    const cut = await rawReceiver((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'))
    expect(await post(cut)).toMatchObject({ status: 200, bodyExcerpt: 'half' })
  })

  it('leaves nothing in its excerpt that a database, a terminal or a byte limit minds', async () => {
    const hostile = Buffer.concat([
      Buffer.from('<b>\u0000\u001b[31m\u202e\u200b\tok\r\n'),
      Buffer.from([0xff, 0xfe, 0xc3]),
    ])
    const target = await receiver((_request, response) => response.end(hostile))
    expect((await post(target)).bodyExcerpt).toBe('<b>??[31m??\tok?\n???')
    const binary = await receiver((_request, response) => response.end(Buffer.alloc(8_192, 0xff)))
    expect((await post(binary)).bodyExcerpt).toBe('?'.repeat(4096))
  })
})

describe('a document', () => {
  const get = ({ port }: Receiver, { mostBytes = 1024, totalTimeoutMs = 5_000 } = {}) =>
    client.get(allowUrl(`http://127.0.0.1:${port}/jwks.json?x=1`, policy), {
      headers: { accept: 'application/json' },
      mostBytes,
      totalTimeoutMs,
    })

  it('is read whole, whatever its status', async () => {
    const target = await receiver((_request, response) => response.writeHead(404).end('ü'.repeat(512)))
    expect(await get(target)).toEqual({ status: 404, body: 'ü'.repeat(512) })
    expect(target.requests).toEqual([
      expect.objectContaining({
        method: 'GET',
        url: '/jwks.json?x=1',
        headers: expect.objectContaining({ accept: 'application/json' }),
      }),
    ])
  })

  it('is not followed elsewhere', async () => {
    const target = await receiver((_request, response) => response.writeHead(302, { location: '/other' }).end())
    expect(await get(target)).toMatchObject({ status: 302 })
    expect(target.requests).toHaveLength(1)
  })

  it('that is too long is a failure, and its sender is hung up on', async () => {
    const target = await rawReceiver((socket) => drip(socket, 'HTTP/1.1 200 OK\r\n\r\n', 'x'.repeat(100)))
    await expect(get(target)).rejects.toMatchObject({
      code: 'egress.answer_malformed',
      publicText: expect.stringContaining('more than 1 KiB'),
    })
    await until('the socket to close', () => closedSockets(target))
  })

  it('that does not come to an end in time is a failure', async () => {
    const target = await rawReceiver((socket) => drip(socket, 'HTTP/1.1 200 OK\r\n\r\n'))
    await expect(get(target, { totalTimeoutMs: 100 })).rejects.toMatchObject({ code: 'egress.timed_out' })
    await until('the socket to close', () => closedSockets(target))
  })

  it('that breaks off is a failure', async () => {
    const cut = await rawReceiver((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'))
    await expect(get(cut)).rejects.toMatchObject({ code: 'egress.connection_failed' })
  })

  it('that is compressed is not unpacked', async () => {
    const target = await receiver((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{}')),
    )
    await expect(get(target)).rejects.toMatchObject({ code: 'egress.answer_malformed' })
  })

  it('is not fetched from where no call may go', async () => {
    const target = await receiver((_request, response) => response.end('secret'))
    const url = allowUrl(`http://127.0.0.1:${target.port}/`, policy)
    const closed = new EgressClient(new EgressPolicy())
    await expect(closed.get(url, { headers: {}, mostBytes: 9, totalTimeoutMs: 5_000 })).rejects.toMatchObject({
      code: 'egress.address_not_allowed',
    })
    expect(target.requests).toEqual([])
    await closed.close()
  })
})

describe('closing', () => {
  it('lets a call under way end', async () => {
    let finish = () => {}
    const target = await receiver((_request, response) => {
      finish = () => response.end('done')
    })
    const answer = post(target)
    await until('the request to arrive', () => target.requests.length === 1)
    const closed = client.close()
    finish()
    expect((await answer).bodyExcerpt).toBe('done')
    await closed
    await expect(post(target)).rejects.toMatchObject({ code: 'egress.connection_failed' })
  })

  it('happens with the application that it was injected into', async () => {
    const target = await receiver((_request, response) => response.end('injected'))
    const providers = [EgressClient, { provide: EgressPolicy, useValue: policy }]
    const app = await Test.createTestingModule({ providers }).compile()
    client = app.get(EgressClient)
    expect(await post(target)).toMatchObject({ bodyExcerpt: 'injected' })
    await app.close()
    await until('the idle socket to be closed', () => target.open() === 0, { timeoutMs: 3_500 })
  })
})

/** Repeats the last piece every few milliseconds for as long as anybody listens. */
function drip(socket: Socket, first: string, piece = 'x'): void {
  socket.write(first)
  const timer = setInterval(() => socket.write(piece), 5)
  socket.on('close', () => clearInterval(timer))
}

const closedSockets = (target: Receiver) => target.connections() > 0 && target.open() === 0
