import { Module } from '@nestjs/common'
import { RevokeServiceAccounts } from './revoke-service-accounts.js'

/** The kill switch alone: an operator at a terminal has no settings for tokens. */
@Module({ providers: [RevokeServiceAccounts], exports: [RevokeServiceAccounts] })
export class RevocationModule {}
