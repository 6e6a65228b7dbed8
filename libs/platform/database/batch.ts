interface Waiting<In, Out> {
  item: In
  resolve: (answer: Out) => void
  reject: (error: unknown) => void
}

/** Collects what is asked for within a few milliseconds and sends it as one: 64 callers cost one statement. */
export class Batch<In, Out> {
  readonly #send: (items: In[]) => Promise<Out[]>
  readonly #collectMs: number
  readonly #most: number
  #waiting: Waiting<In, Out>[] = []
  #timer: NodeJS.Timeout | undefined

  /** @param send answers in the order of the items, or fails for all of them */
  constructor(send: (items: In[]) => Promise<Out[]>, { collectMs, most }: { collectMs: number; most: number }) {
    this.#send = send
    this.#collectMs = collectMs
    this.#most = most
  }

  add(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (this.#waiting.length >= this.#most) this.#flush()
      else this.#timer ??= setTimeout(() => this.#flush(), this.#collectMs)
    })
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    void this.#answer(this.#waiting.splice(0))
  }

  async #answer(batch: Waiting<In, Out>[]): Promise<void> {
    try {
      const answers = await this.#send(batch.map(({ item }) => item))
      batch.forEach(({ resolve }, index) => {
        resolve(answers[index]!)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
