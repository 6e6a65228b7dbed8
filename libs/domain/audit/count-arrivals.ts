import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'

/** The table is emptied every second; should that stop, counting must not become a burden of its own. */
const MOST = 100_000

const COUNT = defineStatement<{ rows: number; oldest: Date | null }>(
  'count-arrivals',
  `select count(*)::int as rows, min(at) as oldest from (select at from audit_arrivals limit ${MOST}) as waiting`,
)

/** What is on record and not in a chain yet. */
@Injectable()
export class CountArrivals {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @returns no more rows than 100,000, and the age of the oldest of those */
  async count(): Promise<{ rows: number; oldestSeconds: number }> {
    const [found] = await this.database.run(COUNT, [])
    const { rows = 0, oldest = null } = found ?? {}
    const age = oldest ? (this.clock.now().getTime() - oldest.getTime()) / 1000 : 0
    return { rows, oldestSeconds: Math.max(0, age) }
  }
}
