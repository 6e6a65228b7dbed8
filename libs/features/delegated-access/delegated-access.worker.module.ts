import { Module } from '@nestjs/common'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { QueuesModule } from '#platform/queues/queues.module.js'
import { RetentionModule } from '#platform/retention/retention.module.js'
import { DELIVER_CALLBACK, MINT_ACCESS } from './delegated-access.jobs.js'
import { DelegatedAccessModule } from './delegated-access.module.js'
import { FINISHED_REQUESTS } from './retained-requests.js'
import { BacklogGauges } from './worker/backlog-gauges.js'
import { DeliverCallbackProcessor } from './worker/deliver-callback.processor.js'
import { MintAccessProcessor } from './worker/mint-access.processor.js'
import { SweepTimer } from './worker/sweep.timer.js'

@Module({
  imports: [
    DelegatedAccessModule,
    ProvidersModule,
    QueuesModule.forJobs(MINT_ACCESS, DELIVER_CALLBACK),
    RetentionModule.forRules(FINISHED_REQUESTS),
  ],
  providers: [MintAccessProcessor, DeliverCallbackProcessor, SweepTimer, BacklogGauges],
})
export class DelegatedAccessWorkerModule {}
