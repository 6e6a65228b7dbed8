import { Module } from '@nestjs/common'
import { GrantsModule } from '#domain/grants/grants.module.js'
import { DiagnosisModule } from './diagnosis.module.js'
import { AdminDiagnosisController } from './http/admin-diagnosis.controller.js'
import { DiagnosisController } from './http/diagnosis.controller.js'

@Module({ imports: [DiagnosisModule, GrantsModule], controllers: [DiagnosisController, AdminDiagnosisController] })
export class DiagnosisHttpModule {}
