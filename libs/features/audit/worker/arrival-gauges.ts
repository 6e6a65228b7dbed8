import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common'
import { AuditMonths } from '#domain/audit/audit-months.js'
import { CountArrivals } from '#domain/audit/count-arrivals.js'
import { addMeasurement } from '#platform/observability/metrics.js'
import { AUDIT_ARRIVALS, MONTHS_AHEAD, OLDEST_ARRIVAL } from '../audit.metrics.js'

/** Shows the operator's scrapes what waits for its place in a chain, and for how long there will be places. */
@Injectable()
export class ArrivalGauges implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #takeAway = () => {}

  constructor(
    private readonly arrivals: CountArrivals,
    private readonly months: AuditMonths,
  ) {}

  onApplicationBootstrap() {
    const gauges = [AUDIT_ARRIVALS, OLDEST_ARRIVAL, MONTHS_AHEAD]
    this.#takeAway = addMeasurement({ gauges, measure: () => this.#measure() })
  }

  beforeApplicationShutdown() {
    this.#takeAway()
  }

  async #measure(): Promise<void> {
    const { rows, oldestSeconds } = await this.arrivals.count()
    AUDIT_ARRIVALS.set({}, rows)
    OLDEST_ARRIVAL.set({}, oldestSeconds)
    MONTHS_AHEAD.set({}, await this.months.ahead())
  }
}
