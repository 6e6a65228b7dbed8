import { access, constants } from 'node:fs/promises'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'

/** Null unless something on Redis's port answers a PING without asking for a password. */
export function findRedis(port = 6379): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 500 })
    const answer = (url: string | null) => {
      socket.destroy()
      resolve(url)
    }
    socket.once('connect', () => socket.write('PING\r\n'))
    socket.once('data', (reply) => answer(reply.toString().startsWith('+PONG') ? `redis://127.0.0.1:${port}` : null))
    socket.once('timeout', () => answer(null))
    socket.once('close', () => answer(null))
    socket.on('error', () => answer(null))
  })
}

const CHROMIUMS = ['chromium', 'chromium-browser', 'google-chrome']

/** The first Chromium on the search path, or null. */
export const findChromium = (searchPath: string) => findProgram(CHROMIUMS, searchPath)

/** Packages put it where only root's search path leads. */
export const findPgbouncer = (searchPath: string) =>
  findProgram(['pgbouncer'], [searchPath, '/usr/sbin', '/usr/local/sbin'].join(delimiter))

async function findProgram(names: readonly string[], searchPath: string): Promise<string | null> {
  for (const name of names)
    for (const folder of searchPath.split(delimiter)) {
      const file = join(folder, name)
      if (await isExecutable(file)) return file
    }
  return null
}

const isExecutable = (file: string) =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
