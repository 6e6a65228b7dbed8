import type { Type } from '@nestjs/common'

/** Opens what one step needs, lets it work, and closes everything again. What that takes is the application's to know. */
export type RunStep = <Step, Result>(step: Type<Step>, work: (step: Step) => Promise<Result>) => Promise<Result>
