import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { openEmbeddedPostgres } from '#platform/database/embedded-postgres.js'
import { Secret } from '#platform/secrets/secret.js'
import { check } from './checker.js'
import * as faults from './faults.js'
import { type Machines, MandateUnderFaults } from './mandate-under-faults.js'
import { OwnRedis } from './own-redis.js'
import { RedisServers } from './redis-set-ups.js'
import { Started } from './started.js'
import { asFindings, asTable, LEGEND, type Line } from './verdict-table.js'

const help = () => `Lets processes and stores die while two tenants keep asking, then counts what was lost or doubled.

  npm run test:faults                                        every fault, at each store that is here
  npm run test:faults -- --only terminated --queue postgres  one of them
  npm run test:faults -- --minutes 10 --requests 5000        the long form: processes are killed for ten minutes
  npm run test:faults -- --apis 3 --workers 4 [--cluster]    as on several machines

  --minutes <n>    how long processes are killed at random, on each store (1)
  --requests <n>   how many requests are made meanwhile (1000)
  --queue <name>   postgres or redis alone; redis needs redis-server
  --apis <n>       how many api processes there are, behind a load balancer (1)
  --workers <n>    how many workers (1)
  --cluster        Redis is a cluster of three
  --only <text>    only the faults with this in their name
  --help           this text

What is tried:
${[...EVERYWHERE, ...OF_REDIS].map(([fault]) => `  ${fault}`).join('\n')}

PostgreSQL, Redis and the stand-ins for the providers are started for it, and ended with it. Each fault is told when it is over, and
all of them in a table, a line for each store and fault:

${LEGEND}

Below it stands each broken promise, with the id of its request. The exit code is 0 when there is none.
`

const LIBRARIES = join(import.meta.dirname, '../../../libs')

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      requests: { type: 'string', default: '1000' },
      queue: { type: 'string' },
      only: { type: 'string', default: '' },
      apis: { type: 'string', default: '1' },
      workers: { type: 'string', default: '1' },
      cluster: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(help())
    return 0
  }
  const [minutes, requests] = [Number(values.minutes), Number(values.requests)]
  if (!(minutes > 0) || !Number.isInteger(requests) || requests < 1)
    throw new Error('--minutes and --requests take numbers above 0')
  const machines = { api: Number(values.apis), worker: Number(values.workers) }
  if (!Object.values(machines).every((n) => Number.isInteger(n) && n >= 1 && n <= 9))
    throw new Error('--apis and --workers take numbers from 1 to 9')
  const { only, cluster } = values
  const lines: Line[] = []
  for (const queue of ['postgres', 'redis'] as const)
    if (!values.queue || values.queue === queue)
      lines.push(...(await runOn(queue, { minutes, requests, only, machines, cluster })))
  process.stdout.write(asTable(lines))
  process.stdout.write(asFindings(lines))
  const isKept = lines.length > 0 && lines.every(({ verdict }) => verdict.findings.length === 0)
  return isKept ? 0 : 1
}

const say = (line: string) => void process.stderr.write(`${line}\n`)

const started = new Started(say)
// The fault that is under way would wait for a Mandate that has been ended.
started.endOn(process, (exitCode) => process.exit(exitCode))

async function runOn(
  queue: 'postgres' | 'redis',
  size: Size & { only: string; machines: Machines; cluster: boolean },
): Promise<Line[]> {
  try {
    const directory = await mkdtemp(join(tmpdir(), 'mandate-faults-'))
    started.add(() => rm(directory, { recursive: true, force: true }))
    await chmod(directory, 0o711)
    const postgres = await openEmbeddedPostgres({ dataDirectory: directory, log: () => {} })
    started.add(() => postgres.stop())
    const redis = queue === 'redis' && !size.cluster ? await OwnRedis.start() : null
    if (redis) started.add(() => redis.stop())
    const cluster = queue === 'redis' && size.cluster ? await startCluster() : null
    if (queue === 'redis' && !redis && !cluster) {
      say('redis-server is not installed: its faults are left out.')
      return []
    }
    const lines: Line[] = []
    const faults = faultsOn(redis).filter(([fault]) => fault.includes(size.only))
    // Each with a Mandate of its own: what one fault leaves behind must not be laid at the next one's door.
    for (const [number, [fault, bring]] of faults.entries()) {
      const begun = Date.now()
      const name = `fault_${number}`
      const settings = { MANDATE_QUEUE_PREFIX: name, ...(redis ? { REDIS_URL: redis.url } : cluster) }
      const stores = { databaseUrl: await newDatabase(postgres.url, name), settings }
      const mandate = await MandateUnderFaults.start(stores, size.requests + 3_000, size.machines)
      started.add(() => mandate.stop())
      await bring(mandate, size)
      await mandate.comeToRest()
      const verdict = check(await mandate.evidence())
      const seconds = Math.round((Date.now() - begun) / 1000)
      lines.push({ queue, fault, seconds, verdict })
      say(`${queue}: ${fault}: ${JSON.stringify(verdict.counts)} in ${seconds} s`)
      await started.endLast()
    }
    return lines
  } finally {
    await started.endAll()
  }
}

async function newDatabase(server: Secret<string>, name: string): Promise<Secret<string>> {
  const client = new pg.Client({ connectionString: server.reveal() })
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  return new Secret(Object.assign(new URL(server.reveal()), { pathname: `/${name}` }).href)
}

async function startCluster(): Promise<Record<string, string>> {
  const servers = await RedisServers.inFolder()
  started.add(() => servers.stop())
  return { REDIS_URL: (await servers.cluster()).join(','), REDIS_CLUSTER: '1' }
}

interface Size {
  minutes: number
  requests: number
}
type Fault = [name: string, bring: (mandate: MandateUnderFaults, size: Size) => Promise<unknown>]

const EVERYWHERE: Fault[] = [
  [
    'died at every fail-point',
    (mandate) => faults.dieAtEach(mandate, faults.pointsOnThePath(LIBRARIES), (point) => say(`  ${point}`)),
  ],
  ['killed at random', (mandate, { requests, minutes }) => faults.killAtRandom(mandate, requests, minutes * 60)],
  ['stopped with 100 in hand', (mandate) => faults.stopWithWorkInHand(mandate, 100)],
  ['frozen for 40 s', (mandate) => faults.freeze(mandate, 200, 40)],
  ['clock 2 h ahead', (mandate) => faults.jumpClock(mandate, 200, 2)],
  ['clock 2 h behind', (mandate) => faults.jumpClock(mandate, 200, -2)],
  ['PostgreSQL crashed three times', (mandate) => faults.crashPostgres(mandate, 400, 3)],
  ['connections terminated', (mandate) => faults.terminateConnections(mandate, 400, say)],
]
const OF_REDIS: [name: string, lose: (redis: OwnRedis, mandate: MandateUnderFaults) => Promise<unknown>][] = [
  ['Redis flushed', (redis) => redis.flush()],
  ['Redis killed', (redis) => redis.killAndRestart()],
  ['Redis frozen for 20 s', (redis, mandate) => Promise.all([redis.freezeFor(20), faults.letMinutesPass(mandate, 15)])],
]

function faultsOn(redis: OwnRedis | null): Fault[] {
  if (!redis) return EVERYWHERE
  return [
    ...EVERYWHERE,
    ...OF_REDIS.map(
      ([name, lose]): Fault => [name, (mandate) => faults.loseQueue(mandate, 400, () => lose(redis, mandate))],
    ),
  ]
}

process.exitCode = await main()
