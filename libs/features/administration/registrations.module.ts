import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { ClientsModule } from '#domain/clients/clients.module.js'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { Account } from '#domain/grants/account.entity.js'
import { FindSomeMailbox } from '#domain/grants/find-some-mailbox.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { RollBackProviderCredential } from './roll-back-provider-credential.js'
import { SetProviderCredential } from './set-provider-credential.js'
import { ShowProviderCredentials } from './show-provider-credentials.js'
import { TryCredential } from './try-credential.js'

const STEPS = [SetProviderCredential, RollBackProviderCredential, ShowProviderCredentials]

/** What Mandate acts with at the providers. By itself, because it alone calls them: other commands need not load that. */
@Module({
  imports: [ClientsModule, CredentialsModule, ProvidersModule, MikroOrmModule.forFeature([Account])],
  providers: [...STEPS, TryCredential, FindSomeMailbox],
  exports: STEPS,
})
export class RegistrationsModule {}
