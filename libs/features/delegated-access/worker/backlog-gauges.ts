import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common'
import { addMeasurement } from '#platform/observability/metrics.js'
import { BACKLOG, BREAKERS, OLDEST_UNDELIVERED, OVERDUE } from '../delegated-access.metrics.js'
import { MeasureBacklog } from '../measure-backlog.js'

/** Shows the operator's scrapes how far behind everything is. Every worker measures the same, so a query takes the maximum. */
@Injectable()
export class BacklogGauges implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #takeAway = () => {}

  constructor(private readonly step: MeasureBacklog) {}

  onApplicationBootstrap() {
    const gauges = [BACKLOG, OLDEST_UNDELIVERED, OVERDUE, BREAKERS]
    this.#takeAway = addMeasurement({ gauges, measure: () => this.#measure() })
  }

  beforeApplicationShutdown() {
    this.#takeAway()
  }

  async #measure(): Promise<void> {
    const { undecided, undelivered, oldestUndeliveredSeconds, overdueSeconds, breakers } = await this.step.measure()
    BACKLOG.set({ state: 'undecided' }, undecided)
    BACKLOG.set({ state: 'undelivered' }, undelivered)
    OLDEST_UNDELIVERED.set({}, oldestUndeliveredSeconds ?? 0)
    OVERDUE.set({}, overdueSeconds)
    BREAKERS.set({ state: 'closed' }, breakers.closed)
    BREAKERS.set({ state: 'open' }, breakers.open)
    BREAKERS.set({ state: 'half_open' }, breakers.halfOpen)
  }
}
