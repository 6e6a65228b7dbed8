import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { ProviderCredential } from './provider-credential.entity.js'
import { ProviderCredentials } from './provider-credentials.js'
import { ServiceAccount } from './service-account.entity.js'
import { ServiceAccountStates } from './service-account-states.js'
import { ServiceAccounts } from './service-accounts.js'
import { UserCredential } from './user-credential.entity.js'
import { UserCredentials } from './user-credentials.js'

@Module({
  imports: [MikroOrmModule.forFeature([ProviderCredential, ServiceAccount, UserCredential])],
  providers: [ProviderCredentials, ServiceAccounts, ServiceAccountStates, UserCredentials],
  exports: [ProviderCredentials, ServiceAccounts, ServiceAccountStates, UserCredentials],
})
export class CredentialsModule {}
