import { randomUUID } from 'node:crypto'
import { Worker } from 'bullmq'
import { Cluster } from 'ioredis'
import { loadSettings, type RedisSettings } from '#platform/config/settings.js'
import { Log } from '#platform/observability/log.js'
import { Doorbell } from '#platform/queues/doorbell.js'
import { defineJob } from '#platform/queues/job.js'
import { openQueueBackend, type QueueBackend } from '#platform/queues/queue-backend.js'
import { RateLimits } from '#platform/rate-limits/rate-limits.js'
import { redisForTests } from '#platform/testing/machine-for-tests.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { redisAt } from '#platform/testing/redis-settings.js'
import { until } from '#platform/testing/until.js'
import { RedisServers } from './redis-set-ups.js'

const withRedis = redisForTests() ? describe : describe.skip
const log = new Log('silent')

withRedis('Redis, however it is set up,', () => {
  const { url: databaseUrl } = testDatabase()
  let servers: RedisServers
  const closing: (() => Promise<unknown>)[] = []

  beforeEach(async () => {
    servers = await RedisServers.inFolder()
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
    await servers.stop()
  })

  /** A doorbell, and a worker that writes down what it was rung for. */
  async function open(redis: RedisSettings) {
    const backend = await openQueueBackend({ redis, queuePrefix: 'mandate' }, databaseUrl, log)
    closing.push(() => backend.close())
    const job = defineJob<{ n: number; clientId: string }>({
      name: `work-${randomUUID().slice(0, 8)}`,
      id: ({ n }) => `work-${n}`,
      sharer: ({ clientId }) => clientId,
    })
    const doorbell = new Doorbell(backend, log)
    const done = new Set<number>()
    const worker = new Worker(job.name, async ({ data }) => void done.add(data.n), {
      ...{ connection: backend.workerConnection, prefix: backend.prefix, concurrency: 8 },
    })
    worker.on('error', () => {})
    closing.push(() => worker.close(true))
    const ring = (n: number) => doorbell.ring(job, [{ n, clientId: 'cli_1' }])
    const ringMany = (from: number, count: number) =>
      doorbell.ring(
        job,
        Array.from({ length: count }, (_, i) => ({ n: from + i, clientId: 'cli_1' })),
      )
    return { backend, ring, ringMany, done }
  }

  async function countsFailures(backend: QueueBackend) {
    const { rateLimits } = loadSettings('standalone', { MANDATE_LIMIT_AUTHORIZATIONS: '3' })
    const [one, other] = [0, 1].map(() => new RateLimits({} as never, backend, rateLimits, log).authorizations)
    for (const limit of [one!, other!, one!]) await limit.count('198.51.100.7')
    await expect(other!.count('198.51.100.7')).rejects.toMatchObject({ status: 429 })
  }

  it('as a cluster of three: jobs with turns and without, and limits; each queue on one node', async () => {
    const urls = await servers.cluster()
    const { backend, ring, ringMany, done } = await open(redisAt(urls.slice(0, 1), { cluster: true }))
    expect(backend.prefix).toBe('{mandate}')
    expect(await ring(0)).toBe(true)
    expect(await ringMany(1, 300)).toBe(true)
    await until('all to be done', () => done.size === 301)
    await countsFailures(backend)
    expect(await backend.isReachable()).toBe(true)
    const cluster = backend.producerConnection as Cluster
    const keys = await Promise.all(cluster.nodes('master').map((node) => node.keys('*')))
    expect(keys.filter((some) => some.length > 0)).toHaveLength(1)
  })

  it('watched by sentinels: goes on with the next primary when one dies', async () => {
    const { primary, sentinel } = await servers.watched('main')
    const { backend, ring, done } = await open(redisAt(sentinel, { sentinel: 'main' }))
    await ring(0)
    await until('the first to be done', () => done.has(0))
    await servers.kill(primary)
    let n = 0
    await until(
      'a bell to be heard again',
      async () => {
        n += 1
        return (await ring(n)) && until('it to be done', () => done.has(n), { timeoutMs: 2_000 })
      },
      { everyMs: 200 },
    )
    expect(await backend.isReachable()).toBe(true)
  })

  it('by TLS with a password: believes the given authority, and no other', async () => {
    const { url, ca } = await servers.withTls('f0f0')
    const { ringMany, done, backend } = await open(redisAt(url, { ca }))
    await ringMany(0, 20)
    await until('all to be done', () => done.size === 20)
    await countsFailures(backend)
    await expect(open(redisAt(url))).rejects.toThrow(/self-signed certificate/)
  })
})
