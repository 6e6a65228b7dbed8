import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { Body, Controller, Get, Ip, Module, Param, Post } from '@nestjs/common'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { Log } from '#platform/observability/log.js'
import { createHttpApplication } from './http-application.js'
import { RouteTable } from './openapi/route-table.js'

@Controller()
class ProbeController {
  @Get('address')
  address(@Ip() address: string) {
    return { address }
  }

  @Get('named/:name')
  named(@Param('name') name: string) {
    return { name }
  }

  @Post('echo')
  echo(@Body() body: unknown) {
    return { body }
  }
}

@Module({ controllers: [ProbeController], providers: [RouteTable] })
class ProbeModule {}

const SAFE_HEADERS = {
  'x-request-id': expect.stringMatching(/^req_/),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

describe('every HTTP answer', () => {
  const logged: string[] = []
  let app: NestFastifyApplication
  let port: number

  beforeAll(async () => {
    app = await createHttpApplication(ProbeModule, new Log('info', (line) => logged.push(line)))
    await app.listen(0, '127.0.0.1')
    port = Number(new URL(await app.getUrl()).port)
  })
  afterAll(() => app.close())

  /** Sends these bytes and reads what comes back until the server is done with this connection. */
  const send = async (...lines: string[]) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(lines.join('\r\n'))
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n')
    const [status = '', ...headers] = head.split('\r\n')
    const named = Object.fromEntries(
      headers.map((line) => line.split(/: (.*)/)).map(([name = '', value]) => [name.toLowerCase(), value]),
    )
    return { status: Number(status.split(' ')[1]), headers: named, json: body && JSON.parse(body) }
  }
  const close = ['connection: close', '', '']

  it.each<[what: string, lines: string[], status: number, error: string]>([
    [
      'headers over 16 KB',
      ['GET /address HTTP/1.1', 'host: x', `x: ${'x'.repeat(17_000)}`, ...close],
      431,
      'headers_too_large',
    ],
    ['a method that is none', ['MANDATE /address HTTP/1.1', 'host: x', ...close], 400, 'invalid_request'],
    ['a method that nothing answers', ['PROPFIND /address HTTP/1.1', 'host: x', ...close], 404, 'not_found'],
    ['bytes that are no HTTP', ['\x16\x03\x01 hello', ...close], 400, 'invalid_request'],
    ['no Host', ['GET /address HTTP/1.1', ...close], 400, 'invalid_request'],
    [
      'two lengths',
      ['POST /echo HTTP/1.1', 'host: x', 'content-length: 2', 'content-length: 3', ...close],
      400,
      'invalid_request',
    ],
    [
      'a length and chunks',
      ['POST /echo HTTP/1.1', 'host: x', 'content-length: 2', 'transfer-encoding: chunked', ...close],
      400,
      'invalid_request',
    ],
    ['a line break in a header', ['GET /address HTTP/1.1', 'host: x', 'x: a\rb', ...close], 400, 'invalid_request'],
    ['NUL in a header', ['GET /address HTTP/1.1', 'host: x', 'x: a\0b', ...close], 400, 'invalid_request'],
    ['a path that is not percent-encoded', ['GET /%zz HTTP/1.1', 'host: x', ...close], 404, 'not_found'],
    ['an over-long parameter', [`GET /named/${'x'.repeat(600)} HTTP/1.1`, 'host: x', ...close], 404, 'not_found'],
    ['a path that leads nowhere', ['GET /nothing HTTP/1.1', 'host: x', ...close], 404, 'not_found'],
    [
      'a compressed body',
      [
        'POST /echo HTTP/1.1',
        'host: x',
        'content-type: application/json',
        'content-encoding: gzip',
        'content-length: 2',
        'connection: close',
        '',
        '{}',
      ],
      415,
      'unsupported_media_type',
    ],
    [
      'a body in UTF-16',
      [
        'POST /echo HTTP/1.1',
        'host: x',
        'content-type: application/json; charset=utf-16le',
        'content-length: 2',
        'connection: close',
        '',
        '{}',
      ],
      415,
      'unsupported_media_type',
    ],
    [
      'a body of another type',
      [
        'POST /echo HTTP/1.1',
        'host: x',
        'content-type: text/xml',
        'content-length: 4',
        'connection: close',
        '',
        '<x/>',
      ],
      415,
      'unsupported_media_type',
    ],
    [
      'a body that says it is larger than it may be',
      ['POST /echo HTTP/1.1', 'host: x', 'content-type: application/json', 'content-length: 10485760', ...close],
      413,
      'too_large',
    ],
  ])('to %s is ours', async (_what, lines, status, error) => {
    const answer = await send(...lines)
    expect(answer).toMatchObject({ status, headers: SAFE_HEADERS, json: { error } })
    expect(answer.json.error_description).toEqual(expect.any(String))
    expect(logged.join()).toContain(answer.headers['x-request-id'])
  })

  it('says what was wrong with a path', async () => {
    const { json } = await send(`GET /named/${'x'.repeat(600)} HTTP/1.1`, 'host: x', ...close)
    expect(json.error_description).toBe('There is nothing under so long a path.')
  })

  it('does not wait for an expectation that nobody knows', async () => {
    const answer = await send('GET /address HTTP/1.1', 'host: x', 'expect: 42-miracles', ...close)
    expect(answer).toMatchObject({ status: 200, headers: SAFE_HEADERS })
  })

  it.each([
    ['headers', ['POST /echo HTTP/1.1', 'host: x', 'x: ']],
    ['body', ['POST /echo HTTP/1.1', 'host: x', 'content-type: application/json', 'content-length: 9', '', '{"']],
  ])('to a slow %s comes without waiting for the rest', async (_part, lines) => {
    const server = app.getHttpServer() as unknown as Server
    expect([server.headersTimeout, server.requestTimeout]).toEqual([10_000, 30_000])
    Object.assign(server, { headersTimeout: 200, requestTimeout: 300 })
    try {
      expect(await send(...lines)).toMatchObject({
        status: 408,
        headers: SAFE_HEADERS,
        json: { error: 'request_timeout' },
      })
    } finally {
      Object.assign(server, { headersTimeout: 10_000, requestTimeout: 30_000 })
    }
  })

  it('goes on after a connection that was reset in the middle of a request', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.write('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{')
    await once(socket, 'connect')
    socket.resetAndDestroy()
    expect(await send('GET /address HTTP/1.1', 'host: x', ...close)).toMatchObject({ status: 200 })
  })

  const FORGED = ['forwarded: for=192.0.2.1', 'x-forwarded-host: evil.test', 'x-real-ip: 192.0.2.1']

  it('takes nobody’s word for where a caller is', async () => {
    const answer = await send(
      'GET /address HTTP/1.1',
      'host: evil.test',
      'x-forwarded-for: 192.0.2.1',
      ...FORGED,
      ...close,
    )
    expect(answer.json).toEqual({ address: '127.0.0.1' })
  })

  it('takes the word of a trusted proxy, and of the last one that is not trusted', async () => {
    const trusting = await createHttpApplication(ProbeModule, new Log('silent'), {
      trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'],
    })
    await trusting.init()
    const addressOf = async (remoteAddress: string, forwarded: string) =>
      (await trusting.inject({ url: '/address', remoteAddress, headers: { 'x-forwarded-for': forwarded } })).json()
        .address
    expect(await addressOf('127.0.0.1', '192.0.2.1')).toBe('192.0.2.1')
    expect(await addressOf('127.0.0.1', '192.0.2.9, 192.0.2.1, 10.1.2.3')).toBe('192.0.2.1')
    expect(await addressOf('198.51.100.1', '192.0.2.1')).toBe('198.51.100.1')
    await trusting.close()
  })

  it('warns once of each neighbour that says whom it calls for and is no trusted proxy', async () => {
    const lines: string[] = []
    const log = new Log('warn', (line) => lines.push(line))
    const behindProxies = await createHttpApplication(ProbeModule, log, { trustedProxies: ['10.0.0.0/8'] })
    await behindProxies.init()
    const forwarded = { 'x-forwarded-for': '192.0.2.1' }
    for (const remoteAddress of ['172.16.0.1', '172.16.0.1', '::1', '93.184.215.14', '93.184.215.15', '10.1.2.3'])
      await behindProxies.inject({ url: '/address', remoteAddress, headers: forwarded })
    await behindProxies.inject({ url: '/address', remoteAddress: '172.16.0.9' })
    expect(lines.map((line) => JSON.parse(line))).toMatchObject(
      ['172.16.0.1', '::1', 'a public address'].map((host) => ({
        ...{ level: 40, msg: 'proxy.not_trusted', host },
        why: expect.stringContaining('MANDATE_TRUSTED_PROXIES'),
      })),
    )
    await behindProxies.close()
  })
})
