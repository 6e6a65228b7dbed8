import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common'
import { addMeasurement } from '#platform/observability/metrics.js'
import { BACKLOG, BREAKERS, OLDEST_UNDELIVERED, OVERDUE, UNTOLD_EVENTS } from '../delegated-access.metrics.js'
import { MeasureBacklog } from '../measure-backlog.js'

/** Shows the operator's scrapes how far behind everything is. Every worker measures the same, so a query takes the maximum. */
@Injectable()
export class BacklogGauges implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #takeAway = () => {}

  constructor(private readonly step: MeasureBacklog) {}

  onApplicationBootstrap() {
    const gauges = [BACKLOG, OLDEST_UNDELIVERED, UNTOLD_EVENTS, OVERDUE, BREAKERS]
    this.#takeAway = addMeasurement({ gauges, measure: () => this.#measure() })
  }

  beforeApplicationShutdown() {
    this.#takeAway()
  }

  async #measure(): Promise<void> {
    const { oldestUndeliveredSeconds, overdueSeconds, breakers, ...counts } = await this.step.measure()
    BACKLOG.set({ state: 'undecided' }, counts.undecided)
    BACKLOG.set({ state: 'undelivered' }, counts.undelivered)
    UNTOLD_EVENTS.set({}, counts.untoldEvents)
    OLDEST_UNDELIVERED.set({}, oldestUndeliveredSeconds ?? 0)
    OVERDUE.set({}, overdueSeconds)
    BREAKERS.set({ state: 'closed' }, breakers.closed)
    BREAKERS.set({ state: 'open' }, breakers.open)
    BREAKERS.set({ state: 'half_open' }, breakers.halfOpen)
  }
}
