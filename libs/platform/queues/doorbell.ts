import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common'
import { ErrorCode, Job, Queue } from 'bullmq'
import { Batch } from '#platform/database/batch.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import type { JobDefinition } from './job.js'
import { QUEUE_BACKEND, type QueueBackend } from './queue-backend.js'

const BULK = 500
/** How many waiting jobs are woken at once. */
const AT_ONCE = 50
/** What a worker's jobs ring for side by side goes to the queue together. */
const COLLECTED = { collectMs: 2, most: 64 }

/**
 * Rings for work that is already committed to a row. A lost ring is not an error: the sweeper rings again, so a queue
 * that is down delays work and never refuses or loses it.
 */
@Injectable()
export class Doorbell implements OnApplicationShutdown {
  readonly #bells = new Map<string, { queue: Queue; single: Batch<Bell, boolean> }>()

  constructor(
    @Inject(QUEUE_BACKEND) private readonly backend: QueueBackend,
    private readonly log: Log,
  ) {}

  /** @returns false when it could not ring, which it has logged */
  async ring<Payload extends object>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<boolean> {
    const bells = payloads.map((payload) => bell(job, payload))
    return bells.length === 1 ? this.#bell(job.name).single.add(bells[0]!) : this.#ring(job.name, bells)
  }

  /** The same for work that may wait for its time in the queue: `ring` alone would be ignored, because its job is there. */
  async ringNow<Payload extends object>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<void> {
    if (!(await this.ring(job, payloads))) return
    for (let start = 0; start < payloads.length; start += AT_ONCE)
      await Promise.all(payloads.slice(start, start + AT_ONCE).map((payload) => this.#wake(job, payload)))
  }

  async #wake<Payload extends object>(job: JobDefinition<Payload>, payload: Payload): Promise<void> {
    try {
      await new Job(this.#bell(job.name).queue, job.name, payload, {}, job.id(payload)).promote()
    } catch (error) {
      // It is being run, or waits for nothing but a worker: just as well.
      const { code } = error as { code?: unknown }
      if (code === ErrorCode.JobNotInState || code === ErrorCode.JobNotExist) return
      this.log.failure('doorbell.not_rung', error, { job: job.name, rows: 1 })
    }
  }

  /** The last of Nest's hooks: jobs and requests that are being finished still ring, and a closed queue would never answer them. */
  async onApplicationShutdown() {
    await Promise.all([...this.#bells.values()].map(({ queue }) => queue.close()))
  }

  async #ring(name: string, bells: readonly Bell[]): Promise<boolean> {
    try {
      const { queue } = this.#bell(name)
      for (let start = 0; start < bells.length; start += BULK) {
        const some = bells.slice(start, start + BULK)
        // On PostgreSQL a bulk of one costs far more than the one.
        const ringing = some.length === 1 ? queue.add(name, some[0]!.data, some[0]!.opts) : queue.addBulk(some)
        failPoint('doorbell.ringing')
        await ringing
      }
      return true
    } catch (error) {
      this.log.failure('doorbell.not_rung', error, { job: name, rows: bells.length })
      return false
    }
  }

  #bell(name: string) {
    const known = this.#bells.get(name)
    if (known) return known
    const queue = new Queue(name, { connection: this.backend.producerConnection, prefix: this.backend.prefix })
    // Without a listener a dropped connection would end the process.
    queue.on('error', (error) => this.log.failure('queue.connection_failed', error, { job: name }))
    const single = new Batch<Bell, boolean>(async (bells) => {
      const rung = await this.#ring(name, bells)
      return bells.map(() => rung)
    }, COLLECTED)
    this.#bells.set(name, { queue, single })
    return { queue, single }
  }
}

type Bell = ReturnType<typeof bell>

/** A kept job would swallow every later ring with its id, in silence; history is in our rows. */
const bell = <Payload extends object>(job: JobDefinition<Payload>, payload: Payload) => ({
  name: job.name,
  data: payload,
  opts: {
    jobId: job.id(payload),
    removeOnComplete: true,
    removeOnFail: true,
    attempts: 5,
    backoff: { type: 'exponential', delay: 500 },
  },
})
