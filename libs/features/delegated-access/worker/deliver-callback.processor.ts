import { Processor } from '@nestjs/bullmq'
import { type RingAgain, StepProcessor, WORKER_OPTIONS } from '#platform/queues/step-processor.js'
import { DELIVER_CALLBACK } from '../delegated-access.jobs.js'
import { DeliverCallback } from '../deliver-callback.js'

@Processor(DELIVER_CALLBACK.name, WORKER_OPTIONS)
export class DeliverCallbackProcessor extends StepProcessor<{ requestId: string }> {
  constructor(private readonly step: DeliverCallback) {
    super()
  }

  protected run({ requestId }: { requestId: string }): Promise<RingAgain> {
    return this.step.deliver(requestId)
  }
}
