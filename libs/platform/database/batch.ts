interface Waiting<In, Out> {
  item: In
  resolve: (answer: Out) => void
  reject: (error: unknown) => void
}

export interface Pace {
  /** 0: for the rest of this turn of the event loop, which makes nobody wait. */
  collectMs: number
  /** Items in one. */
  most: number
  /** Batches at once, where that is limited; who comes meanwhile is collected. */
  underWay?: number
}

/** Collects what is asked for at the same moment and sends it as one: 64 callers cost one statement. */
export class Batch<In, Out> {
  readonly #send: (items: In[]) => Promise<Out[]>
  readonly #pace: Pace
  #waiting: Waiting<In, Out>[] = []
  #underWay = 0
  #cancel: (() => void) | undefined

  /** @param send answers in the order of the items, or fails for all of them */
  constructor(send: (items: In[]) => Promise<Out[]>, pace: Pace) {
    this.#send = send
    this.#pace = pace
  }

  add(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      this.#arrange()
    })
  }

  #arrange(): void {
    const { collectMs, most, underWay = Number.POSITIVE_INFINITY } = this.#pace
    if (this.#waiting.length === 0 || this.#underWay >= underWay) return
    if (this.#waiting.length >= most) this.#flush()
    else this.#cancel ??= after(collectMs, () => this.#flush())
  }

  #flush(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#underWay += 1
    void this.#answer(this.#waiting.splice(0, this.#pace.most)).finally(() => {
      this.#underWay -= 1
      this.#arrange()
    })
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

function after(milliseconds: number, work: () => void): () => void {
  if (milliseconds === 0) {
    const immediate = setImmediate(work)
    return () => clearImmediate(immediate)
  }
  const timer = setTimeout(work, milliseconds)
  return () => clearTimeout(timer)
}
