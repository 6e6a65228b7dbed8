import { seconds } from '#platform/clock/clock.js'

/** A call that has run this long may be one that hangs. */
export const SLOW_AFTER_MS = seconds(1)
const LONGEST_TURN_MS = seconds(60)

/** `comeBackInMs`: when, at the present pace, this caller's turn comes. */
export type Slot = { release: () => void } | { comeBackInMs: number }

interface Host {
  /** When each call began, oldest first. */
  calls: Set<{ begunAt: number }>
  waiting: (() => void)[]
  /** Up to when turns have been promised. */
  turnsUntil: number
}

/**
 * So many calls to one host at once, so that a host that hangs never holds all who could call others. At a host that
 * answers, a caller waits a moment for a slot; at one that is slow it is sent away, and those sent away come back one
 * after another instead of all at once.
 */
export class HostSlots {
  readonly #hosts = new Map<string, Host>()

  /** @param now monotonic, in milliseconds */
  constructor(
    private readonly most: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  async take(name: string): Promise<Slot> {
    const host = this.#hosts.get(name) ?? { calls: new Set(), waiting: [], turnsUntil: 0 }
    this.#hosts.set(name, host)
    if (host.calls.size < this.most) return this.#begin(name, host)
    const patience = SLOW_AFTER_MS - this.#slowest(host)
    if (patience > 0 && (await freed(host, patience))) return this.#begin(name, host)
    return { comeBackInMs: this.#nextTurn(host) }
  }

  #begin(name: string, host: Host): Slot {
    const call = { begunAt: this.now() }
    host.calls.add(call)
    const release = () => {
      if (!host.calls.delete(call)) return
      const next = host.waiting.shift()
      if (next) next()
      else if (host.calls.size === 0) this.#hosts.delete(name)
    }
    return { release }
  }

  #nextTurn(host: Host): number {
    const now = this.now()
    const pace = Math.max(this.#slowest(host), SLOW_AFTER_MS) / this.most
    host.turnsUntil = Math.max(host.turnsUntil, now) + pace
    return Math.min(host.turnsUntil - now + SLOW_AFTER_MS, LONGEST_TURN_MS)
  }

  #slowest({ calls }: Host): number {
    const [oldest] = calls
    return oldest ? this.now() - oldest.begunAt : 0
  }
}

/** False when nobody left in time. */
function freed(host: Host, patienceMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const next = () => {
      clearTimeout(timer)
      resolve(true)
    }
    const timer = setTimeout(() => {
      host.waiting = host.waiting.filter((other) => other !== next)
      resolve(false)
    }, patienceMs)
    host.waiting.push(next)
  })
}
