import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common'
import type { Log } from '#platform/observability/log.js'

/**
 * Work that a process does every so often from its start to its stop. One pass at a time: a pass that takes longer than
 * the interval is not followed by a queue of others. One that fails is logged, and the next comes all the same. Every
 * process has its own, so what a pass does must bear being done by several at once: `skip locked`, a conditional update.
 */
export abstract class Timer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopping = new AbortController()
  #interval: NodeJS.Timeout | undefined
  #pass: Promise<void> | null = null

  /**
   * @param everyMs from the beginning of one pass to that of the next
   * @param failed the event in the log when a pass fails, such as `sweep.failed`
   */
  constructor(
    private readonly everyMs: number,
    private readonly failed: string,
    protected readonly log: Log,
  ) {}

  /** @param stopping a pass of several batches looks at it between them: the process waits for the pass to end */
  protected abstract pass(stopping: AbortSignal): Promise<unknown>

  onApplicationBootstrap() {
    this.#interval = setInterval(() => {
      this.#pass ??= this.#try().finally(() => {
        this.#pass = null
      })
    }, this.everyMs)
  }

  async beforeApplicationShutdown() {
    clearInterval(this.#interval)
    this.#stopping.abort()
    await this.#pass
  }

  async #try() {
    try {
      await this.pass(this.#stopping.signal)
    } catch (error) {
      this.log.failure(this.failed, error)
    }
  }
}
