import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { DisconnectedCredentials } from './disconnected-credentials.js'
import { ProviderCredential } from './provider-credential.entity.js'
import { ProviderCredentials } from './provider-credentials.js'
import { ServiceAccount } from './service-account.entity.js'
import { ServiceAccountStates } from './service-account-states.js'
import { ServiceAccounts } from './service-accounts.js'
import { UserCredential } from './user-credential.entity.js'
import { UserCredentials } from './user-credentials.js'

const OF_PEOPLE = [UserCredentials, DisconnectedCredentials]

@Module({
  imports: [MikroOrmModule.forFeature([ProviderCredential, ServiceAccount, UserCredential])],
  providers: [ProviderCredentials, ServiceAccounts, ServiceAccountStates, ...OF_PEOPLE],
  exports: [ProviderCredentials, ServiceAccounts, ServiceAccountStates, ...OF_PEOPLE],
})
export class CredentialsModule {}
