import { Module } from '@nestjs/common'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { QueuesModule } from '#platform/queues/queues.module.js'
import { DELIVER_CALLBACK, MINT_ACCESS } from './delegated-access.jobs.js'
import { DelegatedAccessModule } from './delegated-access.module.js'
import { DeliverCallbackProcessor } from './worker/deliver-callback.processor.js'
import { MintAccessProcessor } from './worker/mint-access.processor.js'
import { SweepTimer } from './worker/sweep.timer.js'

@Module({
  imports: [DelegatedAccessModule, ProvidersModule, QueuesModule.forJobs(MINT_ACCESS, DELIVER_CALLBACK)],
  providers: [MintAccessProcessor, DeliverCallbackProcessor, SweepTimer],
})
export class DelegatedAccessWorkerModule {}
