import { Injectable } from '@nestjs/common'
import { after, Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { CONSENT_LIFE } from './consent-journey.js'

/** For a week an old link is told that it has expired, and not that it never existed. */
const KEPT_TO_EXPLAIN = 7 * CONSENT_LIFE
const AT_ONCE = 500

/** Values: when it expired at the latest, rows at most. */
export const FORGET_SECRETS = defineStatement<{ id: string }>(
  'forget-secrets-of-consents',
  `update consents set sealed_credential = null, sealed_sign_in = null where id = any(array(
     select id from consents where expires_at <= $1 and (sealed_credential is not null or sealed_sign_in is not null)
     order by expires_at limit $2 for update skip locked
   )) returning id`,
)

/** Values: the same. */
export const DELETE_EXPIRED = defineStatement<{ id: string }>(
  'delete-expired-consents',
  `delete from consents where id = any(array(
     select id from consents where expires_at <= $1 order by expires_at limit $2 for update skip locked
   )) returning id`,
)

/** Visits whose time is over: their secrets go at once, their rows when nobody comes back to them any more. */
@Injectable()
export class PruneConsents {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @param stopping ends it after the batch in hand */
  async prune(stopping: AbortSignal): Promise<void> {
    const now = this.clock.now()
    await this.#inBatches(FORGET_SECRETS, now, stopping)
    await this.#inBatches(DELETE_EXPIRED, after(now, -KEPT_TO_EXPLAIN), stopping)
  }

  async #inBatches(statement: typeof FORGET_SECRETS, expiredBy: Date, stopping: AbortSignal): Promise<void> {
    for (let rows = AT_ONCE; rows === AT_ONCE && !stopping.aborted; )
      rows = (await this.database.run(statement, [expiredBy, AT_ONCE])).length
  }
}
