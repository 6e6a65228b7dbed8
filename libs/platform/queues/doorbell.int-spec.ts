import { randomUUID } from 'node:crypto'
import { Queue, Worker } from 'bullmq'
import { Log } from '#platform/observability/log.js'
import { redisForTests } from '#platform/testing/machine-for-tests.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { redisAt } from '#platform/testing/redis-settings.js'
import { until } from '#platform/testing/until.js'
import { Doorbell } from './doorbell.js'
import { defineJob } from './job.js'
import { openQueueBackend, type QueueBackend } from './queue-backend.js'

const STORES = redisForTests() ? (['postgres', 'redis'] as const) : (['postgres'] as const)
const BIG = 1_000

describe.each(STORES)('the doorbell, on %s', (store) => {
  const { url: databaseUrl } = testDatabase()
  const log = new Log('silent')
  const job = defineJob<{ n: number; clientId: string }>({
    name: `work-${randomUUID().slice(0, 8)}`,
    id: ({ n, clientId }) => `work-${clientId}-${n}`,
    sharer: ({ clientId }) => clientId,
  })
  let backend: QueueBackend
  let doorbell: Doorbell
  let queue: Queue

  beforeAll(async () => {
    const redis = store === 'redis' ? redisAt(redisForTests()!.reveal()) : null
    backend = await openQueueBackend({ redis, queuePrefix: `fair-${randomUUID().slice(0, 8)}` }, databaseUrl, log)
    doorbell = new Doorbell(backend, log)
    queue = new Queue(job.name, { connection: backend.producerConnection, prefix: backend.prefix })
  })
  afterAll(async () => {
    await queue.obliterate({ force: true })
    await queue.close()
    await backend.close()
  })

  it('gives one job of a second client its turn among a thousand of a first, who has rung long before', async () => {
    for (let n = 0; n < BIG; n += 50)
      await doorbell.ring(
        job,
        Array.from({ length: 50 }, (_, i) => ({ n: n + i, clientId: 'big' })),
      )
    const done: string[] = []
    const connection = backend.workerConnection
    const worker = new Worker(job.name, async ({ data }) => void done.push(data.clientId), {
      ...{ connection, prefix: backend.prefix, concurrency: 4, autorun: false },
    })
    const working = worker.run()
    await until('some to be done', () => done.length > 200, { everyMs: 1 })
    await worker.pause()
    const before = done.length
    // Looked at once a second, by whoever rings.
    await until('the doorbell to know whose turn it is', async () => {
      const clientId = `looker-${randomUUID().slice(0, 8)}`
      await doorbell.ring(job, [{ n: 0, clientId }])
      return ((await queue.getJob(`work-${clientId}-0`))?.opts.priority ?? 0) > 0
    })
    await doorbell.ring(job, [{ n: 0, clientId: 'small' }])
    worker.resume()
    await until('the small one to be done', () => done.includes('small'), { everyMs: 1 })
    expect(done.indexOf('small') - before).toBeLessThan(200)
    await until('all to be done', () => done.filter((name) => name === 'big').length === BIG)
    await worker.close()
    await working
  })
})
