import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common'
import { ServiceAccountStates } from '#domain/credentials/service-account-states.js'
import { addMeasurement } from '#platform/observability/metrics.js'
import { SERVICE_ACCOUNTS } from '../upkeep.metrics.js'

/** Shows the operator's scrapes how many service accounts are not well. Every worker counts the same, so a query takes the maximum. */
@Injectable()
export class StateGauges implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #takeAway = () => {}

  constructor(private readonly states: ServiceAccountStates) {}

  onApplicationBootstrap() {
    this.#takeAway = addMeasurement({ gauges: [SERVICE_ACCOUNTS], measure: () => this.#measure() })
  }

  beforeApplicationShutdown() {
    this.#takeAway()
  }

  async #measure(): Promise<void> {
    const { degraded, failing } = await this.states.countNotActive()
    SERVICE_ACCOUNTS.set({ state: 'degraded' }, degraded)
    SERVICE_ACCOUNTS.set({ state: 'failing' }, failing)
  }
}
