import { readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { type Cluster, rememberCluster, SUPERUSER } from './embedded-cluster.js'
import { EmbeddedPostgresError } from './embedded-postgres.errors.js'
import { isAlive, PostgresToolError, runPostgresTool } from './embedded-process.js'

const HOST = '127.0.0.1'

export interface RunningServer {
  pid: number
  port: number
}

/** For a small machine; and what goes to the log names no values. */
const SETTINGS = {
  listen_addresses: HOST,
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
}

const UNSAFE_WITHOUT_FSYNC = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

export const urlOf = ({ password }: Cluster, { port }: RunningServer, database: string) =>
  `postgres://${SUPERUSER}:${password.reveal()}@${HOST}:${port}/${database}`

/**
 * The server that runs on this cluster, whoever started it: another process of ours, or one that was killed since.
 * What PostgreSQL's own pid file says is believed only when a server answers there with our password and our data
 * directory: after a crash of the machine, or in a copy of the directory, the process id in it is somebody else's.
 */
export async function findServer(cluster: Cluster, log: (line: string) => void): Promise<RunningServer | undefined> {
  const startedLookingAt = Date.now()
  for (;;) {
    const server = await readPidFile(cluster)
    if (!server || !isAlive(server.pid)) return undefined // PostgreSQL clears up after a dead one itself
    const answer = await ask(cluster, server)
    const waitedMs = Date.now() - startedLookingAt
    if (answer === OURS) return server
    if (answer === SOMEBODY_ELSE || (answer === NOBODY && waitedMs > 1_000)) {
      log(`Process ${server.pid} is not our PostgreSQL: removing ${pidFileOf(cluster)}, left from another time.`)
      await rm(pidFileOf(cluster), { force: true })
      return undefined
    }
    if (waitedMs > 30_000)
      throw new EmbeddedPostgresError(
        `The PostgreSQL in ${cluster.data} (process ${server.pid}) lets nobody in: ${answer}.`,
        'End that process and start again.',
      )
    await pause(50)
  }
}

const OURS = 'ours'
const SOMEBODY_ELSE = 'somebody else'
const NOBODY = 'nobody'
const WRONG_PASSWORD = ['28P01', '28000']

/** Who is there; or, where that cannot be told, what was said instead (starting up, shutting down, too many clients). */
async function ask(cluster: Cluster, server: RunningServer): Promise<string> {
  if (!(server.port > 0)) return NOBODY // the file is being written
  try {
    const [row] = await query(cluster, server, 'show data_directory')
    return resolve(String(row?.data_directory)) === cluster.data ? OURS : SOMEBODY_ELSE
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string }
    if (code === 'ECONNREFUSED') return NOBODY
    return WRONG_PASSWORD.includes(code) ? SOMEBODY_ELSE : message
  }
}

/** Starts the server on the port it had last time, or on a free one, and waits until it takes connections. */
export async function startServer(
  cluster: Cluster,
  { log, unsafeWithoutFsync }: { log: (line: string) => void; unsafeWithoutFsync: boolean },
): Promise<RunningServer> {
  const settings = Object.entries({ ...SETTINGS, ...(unsafeWithoutFsync ? UNSAFE_WITHOUT_FSYNC : {}) })
  const options = settings.map(([name, value]) => `-c ${name}=${value}`).join(' ')
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(cluster.port, log)
    try {
      await runPostgresTool(cluster, 'pg_ctl', ['start', '-s', '-w', '-D', cluster.data, '-o', `-p ${port} ${options}`])
    } catch (error) {
      const wasTaken = error instanceof PostgresToolError && error.output.includes('could not bind')
      if (wasTaken && attempt < 3) continue // somebody was faster than PostgreSQL
      throw error
    }
    if (port !== cluster.port) await rememberCluster({ ...cluster, port })
    return (await readPidFile(cluster)) as RunningServer
  }
}

async function choosePort(remembered: number | undefined, log: (line: string) => void): Promise<number> {
  const again = remembered && (await bindablePort(remembered))
  if (again) return again
  const port = await bindablePort(0)
  if (!port) throw new EmbeddedPostgresError(`No port can be opened on ${HOST}.`, 'Allow loopback connections.')
  if (remembered) log(`Port ${remembered} is taken by another program: PostgreSQL now listens on ${port}.`)
  return port
}

/** 0 asks the operating system for one. Undefined when it is taken. */
function bindablePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(undefined))
    probe.listen(port, HOST, () => {
      const { port: bound } = probe.address() as { port: number }
      probe.close(() => resolve(bound))
    })
  })
}

/** Ends every connection and the server; at the latest after 25 seconds, at the price of a recovery at the next start. */
export async function stopServer(cluster: Cluster): Promise<void> {
  const server = await readPidFile(cluster)
  if (!server) return
  const ways = [
    ['stop', '-s', '-D', cluster.data, '-m', 'fast', '-t', '15'],
    ['stop', '-s', '-D', cluster.data, '-m', 'immediate', '-t', '10'],
    ['kill', 'KILL', String(server.pid)],
  ]
  let failure: unknown
  for (const way of ways) {
    try {
      await runPostgresTool(cluster, 'pg_ctl', way)
      return
    } catch (error) {
      failure = error
      if (!(await readPidFile(cluster)) || !isAlive(server.pid)) return
    }
  }
  throw failure
}

export async function query(cluster: Cluster, server: RunningServer, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: urlOf(cluster, server, 'postgres'), connectionTimeoutMillis: 5_000 })
  client.on('error', () => {}) // the query reports it
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

const pidFileOf = (cluster: Cluster) => join(cluster.data, 'postmaster.pid')

/** First line the process, fourth the port; the lines come one after the other while the server starts. */
async function readPidFile(cluster: Cluster): Promise<RunningServer | undefined> {
  const lines = (await readFile(pidFileOf(cluster), 'utf8').catch(() => '')).split('\n')
  const [pid, port] = [Number(lines[0]), Number(lines[3])]
  return pid > 0 ? { pid, port } : undefined
}
