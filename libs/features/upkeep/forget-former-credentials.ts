import { Injectable } from '@nestjs/common'
import { FORGET_FORMER } from '#domain/credentials/expiry-statements.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'

/** Bounds one pass; what is left is due again at the next. */
const PASS = 500

/** Lets go of credentials that were replaced thirty days ago: nobody goes back that far, and they can still be stolen. */
@Injectable()
export class ForgetFormerCredentials {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** @returns how many */
  async forget(): Promise<number> {
    const values = [this.clock.now(), PASS]
    const forgotten = await Promise.all(FORGET_FORMER.map((statement) => this.database.run(statement, values)))
    const rows = forgotten.flat().length
    if (rows > 0) this.log.info('credentials.former_forgotten', { rows })
    return rows
  }
}
