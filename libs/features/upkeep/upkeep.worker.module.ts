import { Module } from '@nestjs/common'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { FORGOTTEN_BREAKERS } from '#domain/deliveries/retained-breakers.js'
import { DEAD_REFRESH_TOKENS, EXPIRED_ACCESS_TOKENS, EXPIRED_CODES } from '#domain/grants/retained-grant-leftovers.js'
import { RetentionModule } from '#platform/retention/retention.module.js'
import { UpkeepModule } from './upkeep.module.js'
import { ExpiryTimer } from './worker/expiry.timer.js'
import { StateGauges } from './worker/state-gauges.js'
import { UpkeepTimer } from './worker/upkeep.timer.js'

const GRANT_LEFTOVERS = [EXPIRED_CODES, EXPIRED_ACCESS_TOKENS, DEAD_REFRESH_TOKENS]

@Module({
  imports: [UpkeepModule, CredentialsModule, RetentionModule.forRules(...GRANT_LEFTOVERS, FORGOTTEN_BREAKERS)],
  providers: [UpkeepTimer, ExpiryTimer, StateGauges],
})
export class UpkeepWorkerModule {}
