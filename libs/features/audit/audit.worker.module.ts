import { Module } from '@nestjs/common'
import { AuditModule } from '#domain/audit/audit.module.js'
import { ArrivalGauges } from './worker/arrival-gauges.js'
import { ChainArrivalsTimer } from './worker/chain-arrivals.timer.js'

@Module({ imports: [AuditModule], providers: [ChainArrivalsTimer, ArrivalGauges] })
export class AuditWorkerModule {}
