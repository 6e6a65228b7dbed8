import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Secret } from '#platform/secrets/secret.js'
import { type Cluster, createCluster, findCluster, openHome } from './embedded-cluster.js'
import { firstHolder, type Holder, nextHolder } from './embedded-holders.js'
import { holdingLock } from './embedded-lock.js'
import { EmbeddedPostgresError } from './embedded-postgres.errors.js'
import { findServer, query, type RunningServer, startServer, stopServer, urlOf } from './embedded-server.js'

const DATABASE = 'mandate'

export interface EmbeddedPostgres {
  /** `postgres://…@127.0.0.1:<port>/mandate` */
  readonly url: Secret<string>
  /** Close your own connections first. The last process to stop takes the server down, whoever started it. */
  stop(): Promise<void>
}

export interface EmbeddedPostgresOptions {
  dataDirectory: string
  log: (line: string) => void
  /** For tests: a crash of the machine may cost the database. */
  unsafeWithoutFsync?: boolean
}

/** Starts the PostgreSQL of this data directory, or joins the one that another process of ours runs on it. */
export async function openEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDirectory, log, unsafeWithoutFsync = false } = options
  const home = await openHome(dataDirectory)
  const inTurn = <T>(work: () => Promise<T>) => holdingLock(join(home, 'lock'), work)

  return inTurn(async () => {
    const cluster = (await findCluster(home)) ?? (await createCluster(home, { log, unsafeWithoutFsync }))
    const { server, holder } =
      (await joinServer(cluster, log)) ?? (await startAndHold(cluster, { log, unsafeWithoutFsync }))

    let stopped: Promise<void> | undefined
    return {
      url: new Secret(urlOf(cluster, server, DATABASE)),
      stop: () => {
        stopped ??= inTurn(() => leaveServer(cluster, holder, log))
        return stopped
      },
    }
  })
}

interface HeldServer {
  server: RunningServer
  holder: Holder
}

async function joinServer(cluster: Cluster, log: (line: string) => void): Promise<HeldServer | undefined> {
  const deadline = Date.now() + 30_000
  for (;;) {
    const server = await findServer(cluster, log)
    if (!server) return undefined
    const holder = await nextHolder(cluster)
    if (holder) {
      log(`Using the PostgreSQL that already runs on 127.0.0.1:${server.port}`)
      return withDatabase(cluster, { server, holder }, log)
    }
    if (Date.now() > deadline)
      throw new EmbeddedPostgresError(
        `The PostgreSQL in ${cluster.data} (process ${server.pid}) was told to stop and does not.`,
        'End that process and start again.',
      )
    await pause(50) // its last user was killed, and the watchdog is stopping it
  }
}

async function startAndHold(
  cluster: Cluster,
  options: { log: (line: string) => void; unsafeWithoutFsync: boolean },
): Promise<HeldServer> {
  const holder = await firstHolder(cluster)
  try {
    const server = await startServer(cluster, options)
    options.log(`PostgreSQL listens on 127.0.0.1:${server.port} and keeps its data in ${cluster.data}`)
    return withDatabase(cluster, { server, holder }, options.log)
  } catch (error) {
    await holder.leave()
    throw error
  }
}

/** Checked by everybody: whoever started the server may have been killed before it had created the database. */
async function withDatabase(cluster: Cluster, held: HeldServer, log: (line: string) => void): Promise<HeldServer> {
  try {
    const found = await query(cluster, held.server, `select 1 from pg_database where datname = '${DATABASE}'`)
    if (found.length === 0) await query(cluster, held.server, `create database ${DATABASE}`)
    return held
  } catch (error) {
    await leaveServer(cluster, held.holder, log)
    throw error
  }
}

async function leaveServer(cluster: Cluster, holder: Holder, log: (line: string) => void): Promise<void> {
  if (!(await holder.leave())) return
  if (await findServer(cluster, log)) await stopServer(cluster)
}
