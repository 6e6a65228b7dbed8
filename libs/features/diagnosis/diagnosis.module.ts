import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { Account } from '#domain/grants/account.entity.js'
import { FindSomeMailbox } from '#domain/grants/find-some-mailbox.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { DiagnoseServiceAccount } from './diagnose-service-account.js'

/** What is wrong with a service account. The API, the operator's routes and the CLI ask the same step. */
@Module({
  imports: [CredentialsModule, ProvidersModule, MikroOrmModule.forFeature([Account])],
  providers: [DiagnoseServiceAccount, FindSomeMailbox],
  exports: [DiagnoseServiceAccount],
})
export class DiagnosisModule {}
