import { Module } from '@nestjs/common'
import { ClientsModule } from '#domain/clients/clients.module.js'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { DeliveryParts } from '#domain/deliveries/deliver-message.js'
import { GrantsModule } from '#domain/grants/grants.module.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { AcceptRequests } from './accept-requests.js'
import { CancelRequest } from './cancel-request.js'
import { CheckAskedAccess } from './check-asked-access.js'
import { DeadLettersModule } from './dead-letters.module.js'
import { DeliverCallback } from './deliver-callback.js'
import { MintAccess } from './mint-access.js'
import { RedeliverCallback } from './redeliver-callback.js'
import { SweepRequests } from './sweep-requests.js'

const STEPS = [
  CheckAskedAccess,
  AcceptRequests,
  MintAccess,
  DeliverCallback,
  SweepRequests,
  RedeliverCallback,
  CancelRequest,
]

@Module({
  imports: [DeadLettersModule, ClientsModule, CredentialsModule, GrantsModule, ProvidersModule],
  providers: [DeliveryParts, ...STEPS],
  exports: [...STEPS, DeadLettersModule],
})
export class DelegatedAccessModule {}
