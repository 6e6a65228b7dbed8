import { Processor } from '@nestjs/bullmq'
import { type RingAgain, StepProcessor, WORKER_OPTIONS } from '#platform/queues/step-processor.js'
import { MINT_ACCESS } from '../delegated-access.jobs.js'
import { MintAccess } from '../mint-access.js'

@Processor(MINT_ACCESS.name, WORKER_OPTIONS)
export class MintAccessProcessor extends StepProcessor<{ requestId: string }> {
  constructor(private readonly step: MintAccess) {
    super()
  }

  protected run({ requestId }: { requestId: string }): Promise<RingAgain> {
    return this.step.mint(requestId)
  }
}
