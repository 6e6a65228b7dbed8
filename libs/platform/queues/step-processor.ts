import { WorkerHost } from '@nestjs/bullmq'
import { type BeforeApplicationShutdown, Inject, type OnApplicationBootstrap } from '@nestjs/common'
import { DelayedError, type Job } from 'bullmq'
import { Clock } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { WORKER_CONCURRENCY } from './worker-concurrency.js'

/** Recovery after a kill takes about `lockDuration` plus `stalledInterval`; a crash is not the job's fault, hence the high count. */
export const WORKER_OPTIONS = { lockDuration: 10_000, stalledInterval: 5_000, maxStalledCount: 50 } as const

/** When the step wants to be rung again; null when this job is done. */
export type RingAgain = Date | null

/**
 * Translates a job into a step and its answer into the queue's next move. Waiting is a delayed job and not a failed
 * attempt: a provider's "come back in ten minutes" must not use up the attempts that exist for crashes.
 */
export abstract class StepProcessor<Payload>
  extends WorkerHost
  implements OnApplicationBootstrap, BeforeApplicationShutdown
{
  @Inject(WORKER_CONCURRENCY) private readonly concurrency!: number
  @Inject(Clock) private readonly clock!: Clock
  @Inject(Log) private readonly log!: Log

  protected abstract run(payload: Payload): Promise<RingAgain>

  async process(job: Job<Payload>, token?: string): Promise<void> {
    const again = await this.run(job.data)
    if (again === null) return
    // BullMQ counts by the clock of the machine.
    const wait = again.getTime() - this.clock.now().getTime()
    await job.moveToDelayed(Date.now() + wait, token)
    throw new DelayedError()
  }

  onApplicationBootstrap() {
    this.worker.concurrency = this.concurrency
    this.worker.on('error', (error) => this.log.failure('worker.failed', error, { job: this.worker.name }))
    this.worker.on('failed', (job, error) =>
      this.log.failure('job.failed', error, { job: this.worker.name, id: job?.id, attempts: job?.attemptsMade }),
    )
  }

  /** Before the database closes: jobs in hand are finished, no new one is taken. */
  async beforeApplicationShutdown() {
    await this.worker.close()
  }
}
