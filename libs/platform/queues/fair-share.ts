import { RecentlyUsed } from '#platform/caches/recently-used.js'

/** So many jobs in a row are one turn: the finer, the sooner the numbers of a long backlog run out. */
const TURN = 10
/** What somebody may ring for while nobody waits, before turns are counted at all: no burst of this size holds anybody up. */
const AT_ONCE = 100
/** BullMQ has no lower priority. A backlog of twenty million jobs that never ends ahead of them is in the order of arrival. */
const LAST_TURN = 2_097_151
/** Whoever is forgotten begins at the turn of now, which is where they would be. */
const MOST_SHARERS = 50_000

interface Sharer {
  turn: number
  /** Of this turn, or of what is free while nobody waits. */
  rung: number
}

/**
 * Gives each job of a queue its turn, so that who has rung for a hundred thousand and who rings for one are served by
 * turns: self-clocked fair queueing, with BullMQ's priorities for the virtual finishing times. The clock is the turn that
 * is being served now; who comes new, or comes back, begins there and not at the end. While nothing waits there are no
 * turns, and jobs are rung as they come.
 *
 * Known to one process alone: who rings through three has up to three turns for one of theirs.
 */
export class FairShare {
  readonly #sharers = new RecentlyUsed<Sharer>(MOST_SHARERS)
  #now = 0

  /** @param turn that of the job which is next; 0 when it was rung as it came; null when nothing waits */
  serving(turn: number | null): void {
    // Nobody has anything to make up for.
    if (turn === null) this.#sharers.clear()
    this.#now = turn ?? 0
  }

  /** @returns a priority for BullMQ: 0 for a job that is rung as it comes, else its turn, the lower the sooner */
  turnOf(name: string): number {
    const sharer = this.#sharers.get(name) ?? { turn: 0, rung: 0 }
    this.#sharers.set(name, sharer)
    if (this.#now > 0 && sharer.turn < this.#now) Object.assign(sharer, { turn: this.#now, rung: 0 })
    sharer.rung += 1
    if (sharer.rung > (sharer.turn === 0 ? AT_ONCE : TURN)) Object.assign(sharer, { turn: sharer.turn + 1, rung: 1 })
    return Math.min(sharer.turn, LAST_TURN)
  }
}
