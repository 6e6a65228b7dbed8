import { Module } from '@nestjs/common'
import { ClientsModule } from '#domain/clients/clients.module.js'
import { DeliveryParts } from '#domain/deliveries/deliver-message.js'
import { QueuesModule } from '#platform/queues/queues.module.js'
import { RetentionModule } from '#platform/retention/retention.module.js'
import { DeliverEvent } from './deliver-event.js'
import { DELIVER_EVENT } from './events.jobs.js'
import { FINISHED_EVENTS } from './retained-events.js'
import { SweepEvents } from './sweep-events.js'
import { DeliverEventProcessor } from './worker/deliver-event.processor.js'
import { SweepEventsTimer } from './worker/sweep-events.timer.js'

@Module({
  imports: [ClientsModule, QueuesModule.forJobs(DELIVER_EVENT), RetentionModule.forRules(FINISHED_EVENTS)],
  providers: [DeliveryParts, DeliverEvent, SweepEvents, DeliverEventProcessor, SweepEventsTimer],
})
export class EventsWorkerModule {}
