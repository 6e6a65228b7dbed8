import { Module } from '@nestjs/common'
import { AuditAdministrationModule } from './audit-administration.module.js'
import { AuditController } from './http/audit.controller.js'

@Module({ imports: [AuditAdministrationModule], controllers: [AuditController] })
export class AuditHttpModule {}
