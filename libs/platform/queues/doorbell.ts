import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common'
import { Queue } from 'bullmq'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import type { JobDefinition } from './job.js'
import { QUEUE_BACKEND, type QueueBackend } from './queue-backend.js'

const BULK = 500

/**
 * Rings for work that is already committed to a row. A lost ring is not an error: the sweeper rings again, so a queue
 * that is down delays work and never refuses or loses it.
 */
@Injectable()
export class Doorbell implements OnApplicationShutdown {
  readonly #queues = new Map<string, Queue>()

  constructor(
    @Inject(QUEUE_BACKEND) private readonly backend: QueueBackend,
    private readonly log: Log,
  ) {}

  async ring<Payload extends object>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<void> {
    try {
      const queue = this.#queue(job.name)
      const bells = payloads.map((payload) => bell(job, payload))
      // On PostgreSQL a bulk of one costs far more than the one.
      if (bells.length === 1) await queue.add(job.name, bells[0]!.data, bells[0]!.opts)
      else
        for (let start = 0; start < bells.length; start += BULK) {
          const ringing = queue.addBulk(bells.slice(start, start + BULK))
          failPoint('doorbell.ringing')
          await ringing
        }
    } catch (error) {
      this.log.failure('doorbell.not_rung', error, { job: job.name, rows: payloads.length })
    }
  }

  /** The same for work that may wait for its time in the queue: `ring` alone would be ignored, because its job is there. */
  async ringNow<Payload extends object>(job: JobDefinition<Payload>, payload: Payload): Promise<void> {
    await this.ring(job, [payload])
    try {
      const waiting = await this.#queue(job.name).getJob(job.id(payload))
      if (await waiting?.isDelayed()) await waiting?.promote()
    } catch (error) {
      this.log.failure('doorbell.not_rung', error, { job: job.name, rows: 1 })
    }
  }

  /** The last of Nest's hooks: jobs and requests that are being finished still ring, and a closed queue would never answer them. */
  async onApplicationShutdown() {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()))
  }

  #queue(name: string): Queue {
    let queue = this.#queues.get(name)
    if (!queue) {
      queue = new Queue(name, { connection: this.backend.producerConnection, prefix: this.backend.prefix })
      // Without a listener a dropped connection would end the process.
      queue.on('error', (error) => this.log.failure('queue.connection_failed', error, { job: name }))
      this.#queues.set(name, queue)
    }
    return queue
  }
}

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
