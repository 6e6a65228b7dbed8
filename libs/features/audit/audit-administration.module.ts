import { Module } from '@nestjs/common'
import { AuditModule } from '#domain/audit/audit.module.js'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { ArchiveAudit } from './archive-audit.js'
import { ExportAudit } from './export-audit.js'
import { ListAuditEvents } from './list-audit-events.js'
import { ReadSelection } from './read-selection.js'
import { ShowReaders } from './show-readers.js'
import { VerifyArchives } from './verify-archives.js'
import { VerifyAudit } from './verify-audit.js'

const STEPS = [VerifyAudit, ArchiveAudit, ExportAudit, ListAuditEvents, ShowReaders]

/** What an operator asks of the audit. Two faces stand on the same steps: `/admin/v1/audit` and the CLI. */
@Module({
  imports: [AuditModule, CredentialsModule],
  providers: [ReadSelection, VerifyArchives, ...STEPS],
  exports: [AuditModule, ...STEPS],
})
export class AuditAdministrationModule {}
