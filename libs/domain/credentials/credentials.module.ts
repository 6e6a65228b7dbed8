import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { ProviderCredential } from './provider-credential.entity.js'
import { ProviderCredentials } from './provider-credentials.js'
import { ServiceAccount } from './service-account.entity.js'
import { ServiceAccounts } from './service-accounts.js'

@Module({
  imports: [MikroOrmModule.forFeature([ProviderCredential, ServiceAccount])],
  providers: [ProviderCredentials, ServiceAccounts],
  exports: [ProviderCredentials, ServiceAccounts],
})
export class CredentialsModule {}
