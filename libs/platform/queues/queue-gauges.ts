import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common'
import { Queue } from 'bullmq'
import { addMeasurement } from '#platform/observability/metrics.js'
import { QUEUE_AGE, QUEUE_JOBS } from './queue.metrics.js'
import type { QueueBackend } from './queue-backend.js'

/** So many jobs at the head of a queue are looked at for a fresh one. */
const LOOKED_AT = 20

/** Shows the operator's scrapes how long a worker process's queues are, and how old. */
export class QueueGauges implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #queues: Queue[]
  #takeAway = () => {}

  constructor(names: readonly string[], { producerConnection: connection, prefix }: QueueBackend) {
    this.#queues = names.map((name) => new Queue(name, { connection, prefix }))
    // The doorbell says when the store is away; a scrape that fails is counted.
    for (const queue of this.#queues) queue.on('error', () => {})
  }

  onApplicationBootstrap() {
    const gauges = [QUEUE_AGE, QUEUE_JOBS]
    const measure = async () => void (await Promise.all(this.#queues.map(measureOne)))
    this.#takeAway = addMeasurement({ gauges, measure })
  }

  async beforeApplicationShutdown() {
    this.#takeAway()
    await Promise.all(this.#queues.map((queue) => queue.close()))
  }
}

async function measureOne(queue: Queue): Promise<void> {
  const [counts, first, firstOfLater] = await Promise.all([
    queue.getJobCounts('wait', 'prioritized', 'delayed', 'active'),
    queue.getJobs(['wait'], 0, LOOKED_AT - 1, true),
    queue.getJobs(['prioritized'], 0, LOOKED_AT - 1, true),
  ])
  const { wait = 0, prioritized = 0, delayed = 0, active = 0 } = counts
  QUEUE_JOBS.set({ queue: queue.name, state: 'waiting' }, wait + prioritized)
  QUEUE_JOBS.set({ queue: queue.name, state: 'delayed' }, delayed)
  QUEUE_JOBS.set({ queue: queue.name, state: 'active' }, active)
  // A job that comes back has its first day's timestamp, which says nothing of how busy the workers are today.
  const fresh = [...first, ...firstOfLater].filter((job) => job && job.attemptsStarted === 0)
  const rungAt = Math.min(...fresh.map(({ timestamp }) => timestamp))
  QUEUE_AGE.set({ queue: queue.name }, fresh.length > 0 ? Math.max(0, (Date.now() - rungAt) / 1000) : 0)
}
