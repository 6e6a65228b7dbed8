import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { CallbackHost } from '#domain/deliveries/callback-host.entity.js'
import { CallbackAttempt, DelegatedAccessRequest } from './delegated-access-request.entity.js'
import { FindDeadLetters } from './find-dead-letters.js'
import { FindRequests } from './find-requests.js'
import { MeasureBacklog } from './measure-backlog.js'
import { RedeliverDeadLetters } from './redeliver-dead-letters.js'

const STEPS = [FindRequests, FindDeadLetters, RedeliverDeadLetters, MeasureBacklog]

/** What became of requests, and how to take up again what was abandoned. Needs the database alone, so the CLI has it too. */
@Module({
  imports: [MikroOrmModule.forFeature([DelegatedAccessRequest, CallbackAttempt, CallbackHost])],
  providers: STEPS,
  exports: STEPS,
})
export class DeadLettersModule {}
