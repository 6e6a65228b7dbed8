import { seconds } from '#platform/clock/clock.js'

/** A call that has run this long may be one that hangs. */
export const SLOW_AFTER_MS = seconds(1)
const LONGEST_TURN_MS = seconds(60)
/** What one owner may hold of the slots, for each that is free: three quarters, when nobody else wants any. */
const OWNER_PER_FREE = 3

/** To be given back when the call has ended. */
export interface TakenSlot {
  release: () => void
}

/** `comeBackInMs`: when, at the present pace, this caller's turn comes. */
export type Slot = TakenSlot | { comeBackInMs: number }

interface Host {
  /** When each call began, oldest first. */
  calls: Set<{ begunAt: number }>
  /** Up to when turns have been promised. */
  turnsUntil: number
}

interface Waiting {
  host: string
  owner: string
  /** Null: nothing became free in time. */
  resolve: (slot: TakenSlot | null) => void
}

/**
 * Shares slots for calls among hosts, so that those that hang never hold all who could call others. A host may have one
 * more while it holds fewer than are free: one alone comes to half of them, two to a third each, and however many hang, as
 * much as each of them holds stays free. An owner of hosts is held to three times what is free.
 *
 * Where answers come, a caller waits a moment for a slot; at a host that is slow it is sent away, and those sent away come
 * back one after another instead of all at once.
 */
export class HostSlots {
  readonly #hosts = new Map<string, Host>()
  /** Calls under way, by owner. */
  readonly #owners = new Map<string, number>()
  #underWay = 0
  /** In the order of asking. */
  #waiting: Waiting[] = []

  /**
   * @param slots how many calls there may be at once
   * @param now monotonic, in milliseconds
   */
  constructor(
    private readonly slots: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param owner who has the host called */
  async take(host: string, owner: string): Promise<Slot> {
    return (await this.takeSoon(host, owner)) ?? { comeBackInMs: this.#nextTurn(host) }
  }

  /** The same for somebody who does not come back: null where the wait would be long. */
  async takeSoon(host: string, owner: string): Promise<TakenSlot | null> {
    // Nobody is overtaken by this: whoever waits could not begin.
    if (this.#mayBegin(host, owner)) return this.#begin(host, owner)
    const patience = SLOW_AFTER_MS - this.#slowest(host)
    return patience > 0 ? this.#wait(host, owner, patience) : null
  }

  #mayBegin(host: string, owner: string): boolean {
    const free = this.slots - this.#underWay
    const ofHost = this.#hosts.get(host)?.calls.size ?? 0
    return ofHost < free && (this.#owners.get(owner) ?? 0) < OWNER_PER_FREE * free
  }

  #begin(name: string, owner: string): TakenSlot {
    const host = this.#hosts.get(name) ?? { calls: new Set(), turnsUntil: 0 }
    this.#hosts.set(name, host)
    const call = { begunAt: this.now() }
    host.calls.add(call)
    this.#count(owner, 1)
    const release = () => {
      if (!host.calls.delete(call)) return
      if (host.calls.size === 0) this.#hosts.delete(name)
      this.#count(owner, -1)
      this.#admit()
    }
    return { release }
  }

  #count(owner: string, change: 1 | -1): void {
    this.#underWay += change
    const calls = (this.#owners.get(owner) ?? 0) + change
    if (calls === 0) this.#owners.delete(owner)
    else this.#owners.set(owner, calls)
  }

  /** Whoever may begin by now, the first first: a slot that one of them cannot use is another's. */
  #admit(): void {
    for (const waiting of [...this.#waiting]) {
      const { host, owner, resolve } = waiting
      if (!this.#mayBegin(host, owner)) continue
      this.#waiting = this.#waiting.filter((other) => other !== waiting)
      resolve(this.#begin(host, owner))
    }
  }

  #wait(host: string, owner: string, patienceMs: number): Promise<TakenSlot | null> {
    return new Promise((answer) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting)
        answer(null)
      }, patienceMs)
      const resolve = (slot: TakenSlot | null) => {
        clearTimeout(timer)
        answer(slot)
      }
      const waiting: Waiting = { host, owner, resolve }
      this.#waiting.push(waiting)
    })
  }

  #nextTurn(name: string): number {
    const now = this.now()
    const host = this.#hosts.get(name)
    if (!host) return 2 * SLOW_AFTER_MS
    const pace = Math.max(this.#slowest(name), SLOW_AFTER_MS) / host.calls.size
    host.turnsUntil = Math.max(host.turnsUntil, now) + pace
    return Math.min(host.turnsUntil - now + SLOW_AFTER_MS, LONGEST_TURN_MS)
  }

  #slowest(name: string): number {
    const [oldest] = this.#hosts.get(name)?.calls ?? []
    return oldest ? this.now() - oldest.begunAt : 0
  }
}
