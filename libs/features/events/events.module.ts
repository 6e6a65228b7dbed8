import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { ClientsModule } from '#domain/clients/clients.module.js'
import { ClientEvent } from './client-event.entity.js'
import { ListEvents } from './list-events.js'
import { RedeliverEvents } from './redeliver-events.js'
import { SetEventUrl } from './set-event-url.js'

const STEPS = [SetEventUrl, ListEvents, RedeliverEvents]

/** What clients are told of, and where. Needs no queue, so the CLI has it too. */
@Module({
  imports: [ClientsModule, MikroOrmModule.forFeature([ClientEvent])],
  providers: STEPS,
  exports: STEPS,
})
export class EventsModule {}
