import { Injectable } from '@nestjs/common'
import { recordActsOf } from '#domain/audit/record-act.js'
import { announceEventsOf } from '#domain/events/announce-event.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { Log } from '#platform/observability/log.js'

/** Values: account, now, error key. */
const END_MAILBOX = defineStatement<{ grants: number }>(
  'end-mailbox',
  `with locked as (
     select id from grants where account_id = $1 and revoked_at is null order by id for update
   ), ended as (
     update grants set revoked_at = $2 where id = any (array(select id from locked)) returning id
   ), account as (
     select a.*, (select count(*)::int from ended) as grants from accounts a where a.id = $1 and exists (select 1 from ended)
   ), audited as (
     ${recordActsOf('account', {
       ...{ client_id: 'client_id', at: '$2', act: `'grant.ended'`, service_account_id: 'service_account_id' },
       ...{ mailbox: 'email', subject: 'id', reason: '$3::text' },
       details: `jsonb_build_object('grants', grants)::text`,
     })}
   ), announced as (
     ${announceEventsOf('account', {
       ...{ client_id: 'client_id', at: '$2', type: `'grant.ended'`, service_account_id: 'service_account_id' },
       data: `jsonb_build_object('provider', provider, 'account_id', id, 'email', email, 'reason', $3::text)`,
     })}
   )
   select grants from account`,
)

/**
 * Ends the grants of one mailbox, and of no other, because its provider lets nobody act as it any more. Codes and tokens are
 * asked for their grant at every use, so all of them end with it.
 */
@Injectable()
export class EndMailbox {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** @param reason an error key @returns how many grants ended; none the second time */
  async end(accountId: string, reason: string): Promise<number> {
    const [ended] = await this.database.run(END_MAILBOX, [accountId, this.clock.now(), reason])
    if (!ended) return 0
    this.log.info('grant.ended', { account: accountId, code: reason, grants: ended.grants })
    return ended.grants
  }
}
