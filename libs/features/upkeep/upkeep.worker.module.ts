import { Module } from '@nestjs/common'
import { EXPIRED_SECRETS } from '#domain/clients/retained-secrets.js'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { FORGOTTEN_BREAKERS } from '#domain/deliveries/retained-breakers.js'
import { DEAD_REFRESH_TOKENS, EXPIRED_ACCESS_TOKENS, EXPIRED_CODES } from '#domain/grants/retained-grant-leftovers.js'
import { RetentionModule } from '#platform/retention/retention.module.js'
import { UpkeepModule } from './upkeep.module.js'
import { ExpiryTimer } from './worker/expiry.timer.js'
import { StateGauges } from './worker/state-gauges.js'
import { UpkeepTimer } from './worker/upkeep.timer.js'

const LEFTOVERS = [EXPIRED_CODES, EXPIRED_ACCESS_TOKENS, DEAD_REFRESH_TOKENS, ...EXPIRED_SECRETS, FORGOTTEN_BREAKERS]

@Module({
  imports: [UpkeepModule, CredentialsModule, RetentionModule.forRules(...LEFTOVERS)],
  providers: [UpkeepTimer, ExpiryTimer, StateGauges],
})
export class UpkeepWorkerModule {}
