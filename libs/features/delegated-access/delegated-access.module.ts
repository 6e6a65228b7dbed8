import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { ClientsModule } from '#domain/clients/clients.module.js'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { GrantsModule } from '#domain/grants/grants.module.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { AcceptRequests } from './accept-requests.js'
import { CancelRequest } from './cancel-request.js'
import { CheckAskedAccess } from './check-asked-access.js'
import { CallbackAttempt, DelegatedAccessRequest } from './delegated-access-request.entity.js'
import { DeliverCallback } from './deliver-callback.js'
import { FindRequests } from './find-requests.js'
import { MintAccess } from './mint-access.js'
import { RedeliverCallback } from './redeliver-callback.js'
import { SweepRequests } from './sweep-requests.js'

const STEPS = [
  CheckAskedAccess,
  AcceptRequests,
  MintAccess,
  DeliverCallback,
  SweepRequests,
  FindRequests,
  RedeliverCallback,
  CancelRequest,
]

@Module({
  imports: [
    MikroOrmModule.forFeature([DelegatedAccessRequest, CallbackAttempt]),
    ClientsModule,
    CredentialsModule,
    GrantsModule,
    ProvidersModule,
  ],
  providers: STEPS,
  exports: STEPS,
})
export class DelegatedAccessModule {}
