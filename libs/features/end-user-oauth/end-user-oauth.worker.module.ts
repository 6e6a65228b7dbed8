import { Module } from '@nestjs/common'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { GrantsModule } from '#domain/grants/grants.module.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { RetentionModule } from '#platform/retention/retention.module.js'
import { CheckAccounts } from './check-accounts.js'
import { DELETED_INTEGRATIONS } from './retained-integrations.js'
import { EXPIRED_SIGN_INS, SECRETS_OF_SIGN_INS } from './retained-sign-ins.js'
import { TakeBackConsent } from './take-back-consent.js'
import { ConnectedAccountsTimer } from './worker/connected-accounts.timer.js'

@Module({
  imports: [
    CredentialsModule,
    GrantsModule,
    ProvidersModule,
    RetentionModule.forRules(SECRETS_OF_SIGN_INS, EXPIRED_SIGN_INS, DELETED_INTEGRATIONS),
  ],
  providers: [CheckAccounts, TakeBackConsent, ConnectedAccountsTimer],
})
export class EndUserOAuthWorkerModule {}
