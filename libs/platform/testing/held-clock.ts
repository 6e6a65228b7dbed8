import { after, Clock } from '#platform/clock/clock.js'

/** Stands still until the test moves it. */
export class HeldClock extends Clock {
  #now: Date

  constructor(start: Date | string = '2026-03-01T12:00:00Z') {
    super()
    this.#now = new Date(start)
  }

  now(): Date {
    return this.#now
  }

  advance(milliseconds: number): void {
    this.#now = after(this.#now, milliseconds)
  }
}
