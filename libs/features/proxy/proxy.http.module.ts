import { Module } from '@nestjs/common'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { GrantsModule } from '#domain/grants/grants.module.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { CallAsMailbox } from './call-as-mailbox.js'
import { ProxyController } from './http/proxy.controller.js'
import { OpenMailbox } from './open-mailbox.js'
import { RecordUse } from './record-use.js'

@Module({
  imports: [CredentialsModule, GrantsModule, ProvidersModule],
  providers: [OpenMailbox, CallAsMailbox, RecordUse],
  controllers: [ProxyController],
})
export class ProxyHttpModule {}
