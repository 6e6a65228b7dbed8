import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { until } from '#platform/testing/until.js'
import { findCluster } from './embedded-cluster.js'
import { type EmbeddedPostgres, openEmbeddedPostgres } from './embedded-postgres.js'
import { findServer } from './embedded-server.js'

const ROOT_OF_THE_REPOSITORY = resolve(import.meta.dirname, '../../..')

/** Data directories, and processes that use them; what a test leaves open or running is ended after it. */
export class EmbeddedPostgresBench {
  directory = ''
  /** What the last one opened had to say. */
  lines: string[] = []
  readonly #opened: EmbeddedPostgres[] = []
  readonly #children: ChildProcess[] = []
  readonly #directories: string[] = []

  constructor() {
    afterEach(async () => {
      for (const child of this.#children.splice(0)) child.kill('SIGKILL')
      for (const postgres of this.#opened.splice(0)) await postgres.stop()
      await until('the server to be gone', async () => !(await this.server()))
    })
    afterAll(async () => {
      for (const directory of this.#directories) await rm(directory, { recursive: true })
    })
  }

  async newDirectory(): Promise<string> {
    this.directory = await mkdtemp(join(tmpdir(), 'mandate-embedded-'))
    await chmod(this.directory, 0o711) // when root runs this, the server's user passes through
    this.#directories.push(this.directory)
    return this.directory
  }

  async open(dataDirectory = this.directory): Promise<EmbeddedPostgres> {
    this.lines = []
    const log = (line: string) => this.lines.push(line)
    const postgres = await openEmbeddedPostgres({ dataDirectory, log, unsafeWithoutFsync: true })
    this.#opened.push(postgres)
    return postgres
  }

  async openAndStop(): Promise<void> {
    await (await this.open()).stop()
  }

  /** The one that runs on the directory, if any. */
  async server() {
    const cluster = await findCluster(join(this.directory, 'postgres')).catch(() => undefined)
    return cluster && (await findServer(cluster, () => {}))
  }

  /**
   * Another process of ours, out of `dist`, leader of a process group of its own. It stops when its input ends, and on
   * SIGINT after it has asked the database once more.
   */
  startProcess() {
    const child = spawn(process.execPath, ['--input-type=module', '-e', OTHER_PROCESS, this.directory], {
      cwd: ROOT_OF_THE_REPOSITORY,
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#children.push(child)
    const said = new Map<string, string>()
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [name = '', value = ''] = line.split('=')
      said.set(name, value)
    })
    return {
      process: child,
      end: () => child.stdin.end(),
      said: async (name: string) => {
        await until(`the other process to say "${name}"`, () => said.has(name))
        return said.get(name)
      },
    }
  }
}

const OTHER_PROCESS = `
  import { openEmbeddedPostgres } from '#platform/database/embedded-postgres.js'
  import pg from 'pg'
  const say = (name, value = '') => console.log(name + '=' + value)
  const options = { dataDirectory: process.argv[1], log: () => {}, unsafeWithoutFsync: true }
  const postgres = await openEmbeddedPostgres(options)
  const stop = async () => { await postgres.stop(); say('stopped'); process.exit() }
  process.on('SIGINT', async () => {
    const client = new pg.Client({ connectionString: postgres.url.reveal() })
    await client.connect()
    const { rows } = await client.query('select 1 as one')
    await client.end()
    say('answer after SIGINT', rows[0].one)
    await stop()
  })
  process.stdin.on('end', stop).resume()
  say('port', new URL(postgres.url.reveal()).port)
`

export async function ask(url: string, text: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
