import { Module } from '@nestjs/common'
import { AuditArchives } from './audit-archives.js'
import { AuditMonths } from './audit-months.js'
import { ChainArrivals } from './chain-arrivals.js'
import { CountArrivals } from './count-arrivals.js'
import { CountSignatures } from './count-signatures.js'
import { CutChains } from './cut-chains.js'
import { FindEvents } from './find-events.js'
import { FindReaders } from './find-readers.js'
import { RecordUnreadableSecrets } from './record-unreadable-secrets.js'
import { VerifyChain } from './verify-chain.js'

const PARTS = [
  ...[AuditMonths, AuditArchives, CutChains, ChainArrivals, CountArrivals, CountSignatures],
  ...[VerifyChain, FindEvents, FindReaders],
]

/** Who did what, when and from where; tamper-evident. Whoever acts records it with `recordAct`, which needs no module. */
@Module({ providers: [...PARTS, RecordUnreadableSecrets], exports: PARTS })
export class AuditModule {}
