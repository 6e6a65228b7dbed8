import { Module } from '@nestjs/common'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { GrantsModule } from '#domain/grants/grants.module.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { ProxyController } from './http/proxy.controller.js'
import { ReadAsMailbox } from './read-as-mailbox.js'
import { RecordRead } from './record-read.js'

@Module({
  imports: [CredentialsModule, GrantsModule, ProvidersModule],
  providers: [ReadAsMailbox, RecordRead],
  controllers: [ProxyController],
})
export class ProxyHttpModule {}
