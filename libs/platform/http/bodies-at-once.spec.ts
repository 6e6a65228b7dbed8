import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Body, Controller, Module, Post, Req } from '@nestjs/common'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import type { FastifyRequest } from 'fastify'
import { Log } from '#platform/observability/log.js'
import { until } from '#platform/testing/until.js'
import { createHttpApplication } from './http-application.js'
import { RouteTable } from './openapi/route-table.js'
import { readUpload } from './read-upload.js'

@Controller()
class TakingController {
  @Post('read')
  read(@Body() body: unknown) {
    return { body }
  }

  @Post('upload')
  async upload(@Req() request: FastifyRequest) {
    await readUpload(request)
  }
}

@Module({ controllers: [TakingController], providers: [RouteTable] })
class TakingModule {}

const KIB = 1024
const AT_ONCE = 100
const EACH = 1024 * KIB
/** What may be held of each: the largest body that is read. */
const MOST_HELD = AT_ONCE * 256 * KIB

const CHUNK = 'a'.repeat(64 * KIB)
const framed = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
/** One for all, so that whoever sends holds nothing. */
const FRAME = Buffer.from(framed(CHUNK))
const FORM = 'multipart/form-data; boundary=b'
const part = (disposition: string) => `--b\r\ncontent-disposition: form-data; ${disposition}\r\n\r\n`

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** What is in use of the heap and beside it. The size of the process would not do: it keeps what it has once had. */
function held(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe(`${AT_ONCE} bodies of a megabyte that come at once, without a length and without an end`, () => {
  let app: NestFastifyApplication
  let port: number
  let heldBefore: number
  /** The server's ends of the connections. */
  let accepted: Socket[] = []

  beforeAll(async () => {
    app = await createHttpApplication(TakingModule, new Log('silent'))
    await app.listen(0, '127.0.0.1')
    port = Number(new URL(await app.getUrl()).port)
    app.getHttpServer().on('connection', (socket: Socket) => accepted.push(socket))
    heldBefore = held()
  })
  afterAll(() => app.close())

  /** Sends for as long as anybody listens. */
  async function send(path: string, type: string, opening: string): Promise<Socket> {
    const socket = connect(port, '127.0.0.1')
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.on('error', () => {}).resume()
    socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`)
    socket.write(framed(opening))
    for (let sent = 0; sent < EACH && !socket.destroyed; sent += CHUNK.length)
      if (!socket.write(FRAME)) await Promise.race([once(socket, 'drain').catch(() => {}), closed])
    return socket
  }

  it.each([
    ['JSON', '/read', 'application/json', '"'],
    ['a form', '/read', 'application/x-www-form-urlencoded', 'a='],
    ['a file', '/upload', FORM, part('name="key_file"; filename="key.json"')],
    ['a field beside files', '/upload', FORM, part('name="client_id"')],
  ])('are not held in memory, as %s', async (_what, path, type, opening) => {
    accepted = []
    const senders = await Promise.all(Array.from({ length: AT_ONCE }, () => send(path, type, opening)))
    const isOver = ({ bytesRead, destroyed }: Socket) => destroyed || bytesRead > EACH
    await until('all of it to be read or refused', () => accepted.length === AT_ONCE && accepted.every(isOver))

    // What is garbage by now is gone a moment later; what is held stays as long as the connection.
    let most = 0
    const isLittle = () => {
      most = held() - heldBefore
      return most < MOST_HELD
    }
    await until('memory to be given back', isLittle, { timeoutMs: 5_000, everyMs: 200 }).catch(() => {})
    for (const socket of senders) socket.destroy()
    expect(most).toBeLessThan(MOST_HELD)
  })
})
