type End = () => Promise<unknown>

/** What a run has started and has to end, in the other order; also when somebody interrupts it. */
export class Started {
  readonly #ends: End[] = []
  #ending: Promise<void> | null = null

  constructor(private readonly say: (line: string) => void) {}

  add(end: End): void {
    this.#ends.push(end)
  }

  /** What was started last, because it is done with. */
  async endLast(): Promise<void> {
    await this.#ends.pop()?.()
  }

  /** Once, whoever wants it: what fails because it was interrupted must not leave before the rest has ended. */
  endAll(): Promise<void> {
    this.#ending ??= this.#endEach().finally(() => {
      this.#ending = null
    })
    return this.#ending
  }

  /** Without this a signal would leave processes behind that have groups of their own, and some of them frozen. */
  endOn(signals: NodeJS.EventEmitter, leave: (exitCode: number) => void): void {
    for (const signal of ['SIGINT', 'SIGTERM'])
      signals.once(signal, () => {
        this.say(`${signal}: ending what was started`)
        void this.endAll().finally(() => leave(130))
      })
  }

  async #endEach(): Promise<void> {
    for (let end = this.#ends.pop(); end; end = this.#ends.pop())
      await end().catch((error: Error) => this.say(error.message))
  }
}
