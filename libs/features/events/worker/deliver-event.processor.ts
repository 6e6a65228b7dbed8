import { Processor } from '@nestjs/bullmq'
import { type RingAgain, StepProcessor, WORKER_OPTIONS } from '#platform/queues/step-processor.js'
import { DeliverEvent } from '../deliver-event.js'
import { DELIVER_EVENT, type DueEvent } from '../events.jobs.js'

@Processor(DELIVER_EVENT.name, WORKER_OPTIONS)
export class DeliverEventProcessor extends StepProcessor<DueEvent> {
  constructor(private readonly step: DeliverEvent) {
    super()
  }

  protected run(due: DueEvent): Promise<RingAgain> {
    return this.step.deliver(due)
  }
}
