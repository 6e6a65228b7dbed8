import { Injectable } from '@nestjs/common'
import { recordActsOf } from '#domain/audit/record-act.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'

/** Bounds how many rows one statement locks. */
const BATCH = 2_000

const IS_LEFT = '(g.scope && $2 and g.kind = any ($6))'

/**
 * Cuts some of the mailboxes' grants that go beyond what their service account may have: to the scopes that lie within it, or to
 * an end where none does, or where mailboxes of their kind are not allowed any more. So with the access tokens that had been
 * narrowed further. Values: service account, the scopes within, batch, now, administrator, the kinds allowed.
 */
const NARROW_GRANTS = defineStatement<{ id: string }>(
  'narrow-grants',
  `with due as (
     select id from grants
     where service_account_id = $1 and revoked_at is null and account_id is not null
       and (not scope <@ $2::text[] or kind <> all ($6::text[])) limit $3
   ), locked as (
     select id from grants where id = any (array(select id from due)) and revoked_at is null order by id for update
   ), narrowed as (
     update grants g set
       scope = case when ${IS_LEFT} then array(select name from unnest(g.scope) name where name = any ($2)) else g.scope end,
       revoked_at = case when not ${IS_LEFT} then $4::timestamptz end
     where g.id = any (array(select id from locked))
     returning g.id, g.client_id, g.service_account_id, g.account_id, g.scope, g.revoked_at is not null as has_ended
   ), tokens as (
     update access_tokens t set
       scope = array(select name from unnest(t.scope) name where name = any ($2)),
       expires_at = case when t.scope && $2 then t.expires_at else $4 end
     where t.grant_id = any (array(select id from narrowed)) and not t.scope <@ $2
   ), audited as (
     ${recordActsOf('narrowed n join accounts a on a.id = n.account_id', {
       ...{
         client_id: 'n.client_id',
         at: '$4',
         act: `case when has_ended then 'grant.revoked' else 'grant.narrowed' end`,
       },
       ...{ actor: '$5', service_account_id: 'n.service_account_id', mailbox: 'a.email' },
       ...{ subject: 'case when has_ended then n.account_id else n.id end', reason: `'service_account.narrowed'` },
       details: `case when has_ended then jsonb_build_object('grants', 1) else jsonb_build_object('scope', n.scope) end::text`,
     })}
   )
   select id from narrowed`,
)

export interface Narrowing {
  scopes: readonly string[]
  kinds: readonly string[]
}

/**
 * Brings grants within what an administrator now allows, where that is less than before. It holds already: a live grant is
 * found with what its service account may have, and no more (live-grant). This says so in every row, so that a later
 * consent to more does not bring back what this one has taken away.
 */
@Injectable()
export class NarrowGrants {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * May be repeated: whoever does finishes what a dead process left.
   * @param within every scope that the service account may have, and every kind of mailbox
   */
  async narrow(serviceAccountId: string, within: Narrowing, actor: string): Promise<void> {
    let grants = 0
    for (;;) {
      const values = [serviceAccountId, within.scopes, BATCH, this.clock.now(), actor, within.kinds]
      const rows = await this.database.run(NARROW_GRANTS, values)
      if (rows.length === 0) break
      grants += rows.length
      failPoint('narrow-grants.committed')
    }
    if (grants > 0) this.log.info('service_account.narrowed', { serviceAccount: serviceAccountId, grants })
  }
}
