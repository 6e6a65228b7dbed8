import { BullModule, getQueueToken } from '@nestjs/bullmq'
import { type DynamicModule, type FactoryProvider, Module } from '@nestjs/common'
import type { Queue } from 'bullmq'
import { Log } from '#platform/observability/log.js'
import { Doorbell } from './doorbell.js'
import { QUEUE_BACKEND, type QueueBackend } from './queue-backend.js'
import { QueueGauges } from './queue-gauges.js'
import { WORKER_CONCURRENCY } from './worker-concurrency.js'

/** The backend is opened before the application and closed after it (apps/), so that every worker and queue has ended first. */
@Module({})
export class QueuesModule {
  static forRoot(backend: QueueBackend, worker: { concurrency: number }): DynamicModule {
    return {
      module: QueuesModule,
      global: true,
      imports: [BullModule.forRoot(sharedOptions(backend))],
      providers: [
        Doorbell,
        { provide: QUEUE_BACKEND, useValue: backend },
        { provide: WORKER_CONCURRENCY, useValue: worker.concurrency },
      ],
      exports: [Doorbell, QUEUE_BACKEND, WORKER_CONCURRENCY],
    }
  }

  /** For a worker module: starts the processors of these jobs. */
  static forJobs(...jobs: { name: string }[]): DynamicModule {
    const names = jobs.map(({ name }) => name)
    const queues = BullModule.registerQueue(...names.map((name) => ({ name })))
    const useFactory = (backend: QueueBackend) => new QueueGauges(names, backend)
    return {
      module: JobsModule,
      imports: [queues],
      providers: [{ provide: QueueGauges, useFactory, inject: [QUEUE_BACKEND] }, logErrorsOf(names)],
      exports: [queues],
    }
  }
}

/** Without a listener BullMQ writes the error as it is to stderr, past the log and what that leaves out. */
const logErrorsOf = (names: string[]): FactoryProvider => ({
  provide: Symbol('errors of queues'),
  inject: [Log, ...names.map((name) => getQueueToken(name))],
  useFactory: (log: Log, ...queues: Queue[]) => {
    for (const queue of queues)
      queue.on('error', (error) => log.failure('queue.connection_failed', error, { job: queue.name }))
    return queues
  },
})

const sharedOptions = ({ workerConnection, prefix, telemetry }: QueueBackend) => ({
  connection: workerConnection as never,
  prefix,
  ...(telemetry && { telemetry }),
})

/** The queues of one feature's jobs. */
@Module({})
class JobsModule {}
