import { Module } from '@nestjs/common'
import { GrantsModule } from '#domain/grants/grants.module.js'
import { DelegatedAccessModule } from './delegated-access.module.js'
import { AccessRequestsController } from './http/access-requests.controller.js'

@Module({ imports: [DelegatedAccessModule, GrantsModule], controllers: [AccessRequestsController] })
export class DelegatedAccessHttpModule {}
