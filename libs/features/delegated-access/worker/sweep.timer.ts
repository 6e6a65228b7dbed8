import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common'
import { ProviderTokens } from '#domain/providers/tokens/provider-tokens.js'
import { seconds } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { SweepRequests } from '../sweep-requests.js'

const EVERY = seconds(5)

/** Every worker process sweeps; rows are taken with `skip locked`, so they share the work. */
@Injectable()
export class SweepTimer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #timer: NodeJS.Timeout | undefined
  #pass: Promise<void> | null = null

  constructor(
    private readonly step: SweepRequests,
    private readonly tokens: ProviderTokens,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap() {
    this.#timer = setInterval(() => {
      // A pass that takes longer than the interval is not followed by a queue of others.
      this.#pass ??= this.#sweep().finally(() => {
        this.#pass = null
      })
    }, EVERY)
  }

  async beforeApplicationShutdown() {
    clearInterval(this.#timer)
    await this.#pass
  }

  async #sweep() {
    try {
      await this.step.sweep()
      await this.tokens.sweep()
    } catch (error) {
      this.log.failure('sweep.failed', error)
    }
  }
}
