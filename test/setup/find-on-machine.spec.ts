import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { findChromium, findRedis } from './find-on-machine.js'

describe('findRedis', () => {
  let server: Server

  afterEach(() => {
    server.close()
  })

  it('finds one that answers', async () => {
    const port = await answering('+PONG\r\n')

    expect(await findRedis(port)).toBe(`redis://127.0.0.1:${port}`)
  })

  it.each(['-NOAUTH Authentication required.\r\n', 'HTTP/1.1 400 Bad Request\r\n\r\n'])(
    'does not take for one what answers %j',
    async (reply) => {
      expect(await findRedis(await answering(reply))).toBeNull()
    },
  )

  it('finds none where nobody listens', async () => {
    const port = await answering('')
    server.close()

    expect(await findRedis(port)).toBeNull()
  })

  function answering(reply: string): Promise<number> {
    return new Promise((resolve) => {
      server = createServer((socket) => socket.once('data', () => socket.end(reply)))
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
  }
})

describe('findChromium', () => {
  it('finds the first executable by one of its names', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mandate-path-'))
    const searchPath = ['/nonexistent', folder].join(delimiter)

    expect(await findChromium(searchPath)).toBeNull()
    await writeFile(join(folder, 'chromium-browser'), '')
    expect(await findChromium(searchPath)).toBeNull()
    await chmod(join(folder, 'chromium-browser'), 0o755)
    expect(await findChromium(searchPath)).toBe(join(folder, 'chromium-browser'))

    await rm(folder, { recursive: true })
  })
})
