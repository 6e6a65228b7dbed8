import { Module } from '@nestjs/common'
import { GrantsModule } from '#domain/grants/grants.module.js'
import { DelegatedAccessModule } from './delegated-access.module.js'
import { AccessRequestsController } from './http/access-requests.controller.js'
import { DeadLettersController } from './http/dead-letters.controller.js'

@Module({
  imports: [DelegatedAccessModule, GrantsModule],
  controllers: [AccessRequestsController, DeadLettersController],
})
export class DelegatedAccessHttpModule {}
