import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common'
import { addMeasurement } from '#platform/observability/metrics.js'
import { QUEUE_AGE, QUEUE_JOBS } from './queue.metrics.js'
import type { QueueBackend, StoreQueue } from './queue-backend.js'

/** So many jobs at the head of a queue are looked at for a fresh one. */
const LOOKED_AT = 20

/** Shows the operator's scrapes how long a worker process's queues are, and how old. */
export class QueueGauges implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #queues: StoreQueue[]
  #takeAway = () => {}

  constructor(names: readonly string[], backend: QueueBackend) {
    this.#queues = names.map((name) => backend.queue(name))
  }

  onApplicationBootstrap() {
    const gauges = [QUEUE_AGE, QUEUE_JOBS]
    const measure = async () => void (await Promise.all(this.#queues.map(measureOne)))
    this.#takeAway = addMeasurement({ gauges, measure })
  }

  beforeApplicationShutdown() {
    this.#takeAway()
  }
}

async function measureOne(queue: StoreQueue): Promise<void> {
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
