import { Clock } from '#platform/clock/clock.js'

/** The stand-in's own time: `shift-clock` makes it run ahead or behind, so that a wrong clock and an expiry need no waiting. */
export class ShiftableClock extends Clock {
  #offsetMs = 0

  now(): Date {
    return new Date(this.nowMs())
  }

  nowMs(): number {
    return Date.now() + this.#offsetMs
  }

  reset(): void {
    this.#offsetMs = 0
  }

  shift(seconds: number): void {
    this.#offsetMs += seconds * 1000
  }
}
