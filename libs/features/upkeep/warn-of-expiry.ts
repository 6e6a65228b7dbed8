import { Injectable } from '@nestjs/common'
import { WARN_OF_REGISTRATIONS, WARN_OF_SERVICE_ACCOUNTS } from '#domain/credentials/expiry-statements.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'

/** Bounds one pass; what is left is due again at the next. */
const PASS = 500

/** Says 30, 14, 7 and 1 days before a credential expires that it does, each once: in the log, on record, and to its client. */
@Injectable()
export class WarnOfExpiry {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** @returns how many were warned of */
  async warn(): Promise<number> {
    const values = [this.clock.now(), PASS]
    const accounts = await this.database.run(WARN_OF_SERVICE_ACCOUNTS, values)
    const registrations = await this.database.run(WARN_OF_REGISTRATIONS, values)
    for (const { id, client_id: client, provider, expires_at, days } of [...accounts, ...registrations])
      this.log.warn('credential.expiring', { id, client, provider, days, until: expires_at.toISOString() })
    return accounts.length + registrations.length
  }
}
