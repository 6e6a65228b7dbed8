import { Inject, Injectable } from '@nestjs/common'
import { ErrorCode, Job, type JobsOptions } from 'bullmq'
import { seconds } from '#platform/clock/clock.js'
import { Batch } from '#platform/database/batch.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import { FairShare } from './fair-share.js'
import type { JobDefinition } from './job.js'
import { QUEUE_BACKEND, type QueueBackend, type StoreQueue } from './queue-backend.js'

const BULK = 500
/** Whose turn it is may be known so much later. */
const LOOKED_AT_EVERY = seconds(1)
/** How many waiting jobs are woken at once. */
const AT_ONCE = 50
/** What a worker's jobs ring for side by side goes to the queue together. */
const COLLECTED = { collectMs: 2, most: 64 }

/**
 * Rings for work that is already committed to a row. A lost ring is not an error: the sweeper rings again, so a queue
 * that is down delays work and never refuses or loses it.
 */
@Injectable()
export class Doorbell {
  readonly #bells = new Map<string, BellPull>()

  constructor(
    @Inject(QUEUE_BACKEND) private readonly backend: QueueBackend,
    private readonly log: Log,
  ) {}

  /** @returns false when it could not ring, which it has logged */
  async ring<Payload extends object>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<boolean> {
    const inTrace = this.#inTrace()
    const { shares } = this.#served(job.name)
    const bells = payloads.map((payload) => bell(job, payload, shares.turnOf(job.sharer(payload)), inTrace))
    return bells.length === 1 ? this.#bell(job.name).single.add(bells[0]!) : this.#ring(job.name, bells)
  }

  /** The same for work that may wait for its time in the queue: `ring` alone would be ignored, because its job is there. */
  async ringNow<Payload extends object>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<void> {
    if (!(await this.ring(job, payloads))) return
    for (let start = 0; start < payloads.length; start += AT_ONCE)
      await Promise.all(payloads.slice(start, start + AT_ONCE).map((payload) => this.#wake(job, payload)))
  }

  /** Whose turn it is, as of the last second: the queue is asked when somebody rings, and not for every bell. */
  #served(name: string): BellPull {
    const pull = this.#bell(name)
    if (performance.now() < pull.lookAgainAt) return pull
    pull.lookAgainAt = performance.now() + LOOKED_AT_EVERY
    this.#look(pull).catch(() => {
      // The store is away, as ringing says.
    })
    return pull
  }

  async #look({ queue, shares }: BellPull): Promise<void> {
    const [[withTurn], [first]] = await Promise.all([
      queue.getJobs(['prioritized'], 0, 0, true),
      queue.getJobs(['wait'], 0, 0, true),
    ])
    shares.serving(withTurn?.opts.priority ?? (first ? 0 : null))
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

  /** Whose work the job is: bells of several callers go out together, so this cannot be asked when they do. */
  #inTrace(): Pick<JobsOptions, 'telemetry'> {
    const manager = this.backend.telemetry?.contextManager
    return manager ? { telemetry: { metadata: manager.getMetadata(manager.active()), omitContext: true } } : {}
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
    const queue = this.backend.queue(name)
    const single = new Batch<Bell, boolean>(async (bells) => {
      const rung = await this.#ring(name, bells)
      return bells.map(() => rung)
    }, COLLECTED)
    const pull = { queue, single, shares: new FairShare(), lookAgainAt: 0 }
    this.#bells.set(name, pull)
    return pull
  }
}

type Bell = ReturnType<typeof bell>

interface BellPull {
  queue: StoreQueue
  single: Batch<Bell, boolean>
  shares: FairShare
  lookAgainAt: number
}

/** A kept job would swallow every later ring with its id, in silence; history is in our rows. */
const bell = <Payload extends object>(
  job: JobDefinition<Payload>,
  payload: Payload,
  turn: number,
  inTrace: Pick<JobsOptions, 'telemetry'>,
) => ({
  name: job.name,
  data: payload,
  opts: {
    jobId: job.id(payload),
    removeOnComplete: true,
    removeOnFail: true,
    attempts: 5,
    backoff: { type: 'exponential', delay: 500 },
    ...(turn > 0 && { priority: turn }),
    ...inTrace,
  },
})
