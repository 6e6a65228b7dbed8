import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { openEmbeddedPostgres } from '#platform/database/embedded-postgres.js'
import { freePort } from '../apps/demo/free-port.js'
import { answersOk, NodeProcess } from '../apps/demo/node-process.js'
import { defaultSeed, type OperatorCredentials } from '../apps/sandbox/seed/default-seed.js'
import { openRedis } from './redis.js'

/** People of the Google organisation: enough that no round asks for one twice, whose provider token would be kept. */
export const MAILBOXES = 20_000

/** What stands still while floors and ours run in turn on it: stores, stand-ins and a receiver, each in its own process. */
export interface Ground {
  directory: string
  /** A database of a scenario's own, empty. */
  createDatabase(name: string): Promise<string>
  /** Null where this machine has none. */
  redisUrl: string | null
  googleUrl: string
  microsoftUrl: string
  receiverUrl: string
  operator: OperatorCredentials
  close(): Promise<void>
}

export async function openGround(say: (line: string) => void, mailboxes = MAILBOXES): Promise<Ground> {
  const directory = await mkdtemp(join(tmpdir(), 'mandate-bench-'))
  await chmod(directory, 0o711)
  const closers: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })]
  const closeAll = async () => {
    for (const closer of closers.toReversed()) await closer()
  }
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= closeAll()
    return closing
  }
  try {
    const postgres = await openEmbeddedPostgres({ dataDirectory: directory, log: () => {} })
    closers.push(() => postgres.stop())
    const redis = await openRedis(directory)
    if (redis) closers.push(redis.close)
    else say('No Redis on this machine: the scenarios that need one are left out.')
    const { seed, operator } = await defaultSeed({ mailboxes })
    const sandbox = await startSandboxProcess(directory, seed)
    closers.push(() => sandbox.process.stop())
    const createDatabase = (name: string) => newDatabase(postgres.url.reveal(), name)
    const { process: _, ...urls } = sandbox
    return { directory, createDatabase, redisUrl: redis?.url ?? null, ...urls, operator, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function newDatabase(url: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`create database "${name}"`)
  await client.end()
  return Object.assign(new URL(url), { pathname: `/${name}` }).href
}

async function startSandboxProcess(directory: string, seed: object) {
  const file = join(directory, 'seed.json')
  await writeFile(file, JSON.stringify(seed))
  const [google, microsoft, receiver] = [await freePort(), await freePort(), await freePort()]
  const ports = ['--google-port', `${google}`, '--microsoft-port', `${microsoft}`, '--receiver-port', `${receiver}`]
  const process = NodeProcess.start('sandbox/main.js', {}, ['--seed', file, ...ports])
  const url = (port: number) => `http://127.0.0.1:${port}`
  await process.until(() => answersOk(`${url(receiver)}/__sandbox/`))
  return { process, googleUrl: url(google), microsoftUrl: url(microsoft), receiverUrl: url(receiver) }
}
