import { Module } from '@nestjs/common'
import { ChainArrivals } from './chain-arrivals.js'
import { VerifyChain } from './verify-chain.js'

const PARTS = [ChainArrivals, VerifyChain]

/** Who did what, when and from where; tamper-evident. Whoever acts records it with `recordAct`, which needs no module. */
@Module({ providers: PARTS, exports: PARTS })
export class AuditModule {}
