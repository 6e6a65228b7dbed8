import { Module } from '@nestjs/common'
import { AuditModule } from '#domain/audit/audit.module.js'
import { ChainArrivalsTimer } from './worker/chain-arrivals.timer.js'

@Module({ imports: [AuditModule], providers: [ChainArrivalsTimer] })
export class AuditWorkerModule {}
