import type { IncomingHttpHeaders } from 'node:http'

/** One request as it arrived, byte for byte. */
export interface Delivery {
  /** Counts up from 1 and is never reused, so that "what came after this" can be asked. */
  number: number
  at: Date
  method: string
  /** With the query. */
  path: string
  headers: IncomingHttpHeaders
  body: Buffer
  /** Null while unanswered, and for ever when hung up on. */
  status: number | null
}

export interface DeliveryFilter {
  /** Part of path and query. */
  path?: string | undefined
  /** Part of the body. */
  contains?: string | undefined
  /** Only deliveries with a greater number. */
  since?: number | undefined
  /** The newest so many. */
  limit?: number | undefined
}

/** The last deliveries, in a ring, so that a benchmark may run for hours. */
export class DeliveryLog {
  #ring: Delivery[] = []
  #count = 0
  /** The number of the last delivery that `clear` forgot: numbers go on counting. */
  #cleared = 0

  constructor(private readonly capacity: number) {}

  add(delivery: Omit<Delivery, 'number' | 'status'>): Delivery {
    const added = { number: this.#cleared + this.#count + 1, ...delivery, status: null }
    this.#ring[this.#count % this.capacity] = added
    this.#count += 1
    return added
  }

  clear(): void {
    this.#cleared += this.#count
    this.#count = 0
    this.#ring = []
  }

  /** How many there have been since the last `clear`, forgotten ones included. */
  get total(): number {
    return this.#count
  }

  /** Oldest first. */
  list({ path, contains, since, limit }: DeliveryFilter = {}): Delivery[] {
    const oldestAt = this.#count > this.capacity ? this.#count % this.capacity : 0
    const inOrder = [...this.#ring.slice(oldestAt), ...this.#ring.slice(0, oldestAt)]
    const found = inOrder.filter(
      (delivery) =>
        (since === undefined || delivery.number > since) &&
        (path === undefined || delivery.path.includes(path)) &&
        (contains === undefined || delivery.body.includes(contains)),
    )
    return limit === undefined ? found : found.slice(-limit)
  }
}
