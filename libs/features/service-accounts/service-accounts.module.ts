import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { ClientsModule } from '#domain/clients/clients.module.js'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { GrantsModule } from '#domain/grants/grants.module.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { AcceptProviderReturn } from './accept-provider-return.js'
import { AllowServiceAccount } from './allow-service-account.js'
import { BeginConsent } from './begin-consent.js'
import { BringCredential } from './bring-credential.js'
import { CheckOrganisation } from './check-organisation.js'
import { ChooseProvider } from './choose-provider.js'
import { Consent } from './consent.entity.js'
import { Consents } from './consents.js'
import { DenyServiceAccount } from './deny-service-account.js'
import { FinishSignIn } from './finish-sign-in.js'
import { OpenConsent } from './open-consent.js'
import { StartSignIn } from './start-sign-in.js'
import { TryMailbox } from './try-mailbox.js'

const STEPS = [
  OpenConsent,
  BeginConsent,
  ChooseProvider,
  StartSignIn,
  AcceptProviderReturn,
  FinishSignIn,
  BringCredential,
  TryMailbox,
  CheckOrganisation,
  AllowServiceAccount,
  DenyServiceAccount,
]

/** An administrator authorises an organisation. */
@Module({
  imports: [MikroOrmModule.forFeature([Consent]), ClientsModule, CredentialsModule, GrantsModule, ProvidersModule],
  providers: [Consents, ...STEPS],
  exports: STEPS,
})
export class ServiceAccountsModule {}
