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
  readonly #underWay = new Set<Promise<void>>()
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

  /** Sends what has been collected, and waits until all that was sent is answered. */
  async finish(): Promise<void> {
    this.#flush()
    await Promise.all(this.#underWay)
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const batch = this.#waiting.splice(0)
    if (batch.length === 0) return
    const sent = this.#answer(batch).finally(() => this.#underWay.delete(sent))
    this.#underWay.add(sent)
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
