import { Injectable } from '@nestjs/common'
import { seconds } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { Timer } from '#platform/timers/timer.js'
import { SweepEvents } from '../sweep-events.js'

const EVERY = seconds(2)

/** Every worker process sweeps; rows are taken with `skip locked`, so they share the work. */
@Injectable()
export class SweepEventsTimer extends Timer {
  constructor(
    private readonly step: SweepEvents,
    log: Log,
  ) {
    super(EVERY, 'events.not_swept', log)
  }

  protected pass() {
    return this.step.sweep()
  }
}
