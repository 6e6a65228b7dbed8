import { Processor } from '@nestjs/bullmq'
import { type RingAgain, StepProcessor, WORKER_OPTIONS } from '#platform/queues/step-processor.js'
import { DELIVER_CALLBACK, type Delivery } from '../delegated-access.jobs.js'
import { DeliverCallback } from '../deliver-callback.js'

@Processor(DELIVER_CALLBACK.name, WORKER_OPTIONS)
export class DeliverCallbackProcessor extends StepProcessor<Delivery> {
  constructor(private readonly step: DeliverCallback) {
    super()
  }

  protected run(delivery: Delivery): Promise<RingAgain> {
    return this.step.deliver(delivery)
  }
}
