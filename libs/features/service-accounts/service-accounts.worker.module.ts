import { Module } from '@nestjs/common'
import { PruneConsents } from './prune-consents.js'
import { PruneConsentsTimer } from './worker/prune-consents.timer.js'

@Module({ providers: [PruneConsents, PruneConsentsTimer] })
export class ServiceAccountsWorkerModule {}
