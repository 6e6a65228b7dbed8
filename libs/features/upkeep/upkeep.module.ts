import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { Account } from '#domain/grants/account.entity.js'
import { FindSomeMailbox } from '#domain/grants/find-some-mailbox.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { ForgetFormerCredentials } from './forget-former-credentials.js'
import { ProbeServiceAccounts } from './probe-service-accounts.js'
import { WarnOfExpiry } from './warn-of-expiry.js'

const STEPS = [ProbeServiceAccounts, WarnOfExpiry, ForgetFormerCredentials]

/** Keeps service accounts up: tries those that do not work, and warns before one stops. */
@Module({
  imports: [CredentialsModule, ProvidersModule, MikroOrmModule.forFeature([Account])],
  providers: [...STEPS, FindSomeMailbox],
  exports: STEPS,
})
export class UpkeepModule {}
