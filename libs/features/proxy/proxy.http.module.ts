import { Module } from '@nestjs/common'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { GrantsModule } from '#domain/grants/grants.module.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { ProxyController } from './http/proxy.controller.js'
import { OpenMailbox } from './open-mailbox.js'
import { ReadAsMailbox } from './read-as-mailbox.js'
import { RecordRead } from './record-read.js'

@Module({
  imports: [CredentialsModule, GrantsModule, ProvidersModule],
  providers: [OpenMailbox, ReadAsMailbox, RecordRead],
  controllers: [ProxyController],
})
export class ProxyHttpModule {}
