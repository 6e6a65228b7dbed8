import type { OnApplicationShutdown } from '@nestjs/common'
import type { Run } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { Clock, seconds } from './clock.js'

const TIME_OF_DATABASE = defineStatement<{ milliseconds: number }>(
  'time-of-database',
  'select extract(epoch from clock_timestamp())::float8 * 1000 as milliseconds',
)

const COMPARED_EVERY = seconds(5)

/**
 * The database's time, which all processes share: leases, due times and the ends of codes mean the same on every node,
 * whatever its own clock says. Compared every few seconds, counted on in between by the monotonic clock, which nobody
 * sets. ADR 0012.
 */
export class DatabaseClock extends Clock implements OnApplicationShutdown {
  /** The database's time at which this process's monotonic clock stood at zero. */
  #zero = 0
  #timer: NodeJS.Timeout | undefined

  private constructor(private readonly run: Run) {
    super()
  }

  static async follow(run: Run): Promise<DatabaseClock> {
    const clock = new DatabaseClock(run)
    await clock.compare()
    // While the database is away the last comparison holds: nothing could be written by the time meanwhile anyway.
    clock.#timer = setInterval(() => void clock.compare().catch(() => {}), COMPARED_EVERY)
    clock.#timer.unref()
    return clock
  }

  now(): Date {
    return new Date(this.#zero + performance.now())
  }

  /** Wrong by half a round trip at most. */
  async compare(): Promise<void> {
    const asked = performance.now()
    const [answer] = await this.run(TIME_OF_DATABASE, [])
    const answered = performance.now()
    if (answer) this.#zero = answer.milliseconds - (asked + answered) / 2
  }

  onApplicationShutdown() {
    clearInterval(this.#timer)
  }
}
