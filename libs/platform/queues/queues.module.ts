import { BullModule } from '@nestjs/bullmq'
import { type DynamicModule, Module } from '@nestjs/common'
import { Doorbell } from './doorbell.js'
import { QUEUE_BACKEND, type QueueBackend } from './queue-backend.js'
import { WORKER_CONCURRENCY } from './worker-concurrency.js'

/** The backend is opened before the application and closed after it (apps/), so that every worker and queue has ended first. */
@Module({})
export class QueuesModule {
  static forRoot(backend: QueueBackend, worker: { concurrency: number }): DynamicModule {
    return {
      module: QueuesModule,
      global: true,
      imports: [BullModule.forRoot({ connection: backend.workerConnection as never, prefix: backend.prefix })],
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
    return BullModule.registerQueue(...jobs.map(({ name }) => ({ name })))
  }
}
