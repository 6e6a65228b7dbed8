import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common'
import { ChainArrivals } from '#domain/audit/chain-arrivals.js'
import { seconds } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'

/** For so long, at most, an act is on record and not yet in a chain. */
const EVERY = seconds(1)

/** Every worker process chains; per client one of them does at a time. */
@Injectable()
export class ChainArrivalsTimer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #timer: NodeJS.Timeout | undefined
  #pass: Promise<void> | null = null

  constructor(
    private readonly arrivals: ChainArrivals,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap() {
    // Keys change with a start, and only then.
    this.#begin(() => this.arrivals.renewSignatures())
    this.#timer = setInterval(() => this.#begin(() => this.arrivals.chain()), EVERY)
  }

  async beforeApplicationShutdown() {
    clearInterval(this.#timer)
    await this.#pass
  }

  /** A pass that takes longer than the interval is not followed by a queue of others. */
  #begin(work: () => Promise<unknown>) {
    this.#pass ??= this.#try(work).finally(() => {
      this.#pass = null
    })
  }

  async #try(work: () => Promise<unknown>) {
    try {
      await work()
    } catch (error) {
      this.log.failure('audit.chaining_failed', error)
    }
  }
}
