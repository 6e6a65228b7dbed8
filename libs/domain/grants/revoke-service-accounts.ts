import { Injectable } from '@nestjs/common'
import { originValues, recordActsOf } from '#domain/audit/record-act.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'

/** What worked, or was on its way, and does not any more. */
export interface Revoked {
  grants: number
  codes: number
  tokens: number
  requests: number
}

interface RevokedAccount extends Revoked {
  id: string
}

/**
 * Ends service accounts, and every grant under them, in one statement: there is no moment at which half of it holds. Codes
 * and tokens are asked for both at every use, so they end with it, in every process; they are counted here, not touched.
 * Values: id, now, actor, address, id of the HTTP request.
 */
const revokeBy = (column: 'id' | 'client_id') =>
  defineStatement<RevokedAccount>(
    `revoke-service-accounts-by-${column}`,
    `with account as (
       update service_accounts set revoked_at = $2 where ${column} = $1 and revoked_at is null returning id, client_id
     ), ended as (
       update grants g set revoked_at = $2 from account where g.service_account_id = account.id and g.revoked_at is null
       returning g.id, g.service_account_id, g.refresh_generation
     ), live_codes as (
       select e.service_account_id, count(*) from ended e join codes c on c.grant_id = e.id
       where c.redeemed_at is null and c.superseded_at is null and c.expires_at > $2
       group by e.service_account_id
     ), live_tokens as (
       select service_account_id, count(*) from (
         select e.service_account_id from ended e join access_tokens t on t.grant_id = e.id where t.expires_at > $2
         union all
         select e.service_account_id from ended e
         join refresh_tokens t on t.grant_id = e.id and t.generation = e.refresh_generation
       ) t group by service_account_id
     ), waiting as (
       select r.service_account_id, count(*) from delegated_access_requests r
       where r.service_account_id in (select id from account) and r.callback = 'waiting'
       group by r.service_account_id
     ), revoked as (
       select a.id, a.client_id,
         (select count(*)::int from ended e where e.service_account_id = a.id) as grants,
         coalesce((select count from live_codes c where c.service_account_id = a.id), 0)::int as codes,
         coalesce((select count from live_tokens t where t.service_account_id = a.id), 0)::int as tokens,
         coalesce((select count from waiting w where w.service_account_id = a.id), 0)::int as requests
       from account a
     ), audited as (
       ${recordActsOf('revoked', {
         ...{
           client_id: 'client_id',
           at: '$2',
           act: `'service_account.revoked'`,
           actor: '$3::text',
           address: '$4::text',
         },
         ...{ request_id: '$5::text', service_account_id: 'id', subject: 'id' },
         details: `jsonb_build_object('grants', grants, 'codes', codes, 'tokens', tokens, 'requests', requests)::text`,
       })}
     )
     select id, grants, codes, tokens, requests from revoked`,
  )

const REVOKE_ONE = revokeBy('id')
const REVOKE_OF_CLIENT = revokeBy('client_id')

/** Bounds how many rows one statement locks. */
const BATCH = 2_000

/**
 * Stops what is under way for service accounts that have ended: the undecided are cancelled, the untold are not told. The
 * one statement on requests outside their own feature: this has to work from wherever it is called. Workers lock requests
 * in an order of their own, so it waits for none of them: what is being decided or told right now is ended by the next step
 * that looks at it.
 * Values: service accounts, now, batch, actor, address, id of the HTTP request.
 */
const STOP_REQUESTS = defineStatement<{ id: string }>(
  'stop-requests',
  `with due as (
     select id, decision as earlier from delegated_access_requests
     where service_account_id = any ($1::text[]) and callback = 'waiting'
     limit $3 for update skip locked
   ), stopped as (
     update delegated_access_requests r
     set callback = 'abandoned', abandoned_because = 'withdrawn', lease_until = null, ring_at = null, ended_at = $2,
       decision = case r.decision when 'pending' then 'cancelled' else r.decision end
     from due where r.id = due.id
     returning r.id, r.client_id, r.service_account_id, r.email, due.earlier
   ), audited as (
     ${recordActsOf('stopped', {
       ...{ client_id: 'client_id', at: '$2', actor: '$4::text', address: '$5::text', mailbox: 'email' },
       act: `case earlier when 'pending' then 'access.cancelled' else 'callback.abandoned' end`,
       ...{
         request_id: '$6::text',
         service_account_id: 'service_account_id',
         subject: 'id',
         reason: `'service_account.revoked'`,
       },
     })}
   )
   select id from stopped`,
)

/** The kill switch, whoever pulls it: a client, an operator at a terminal or over `/admin/v1`. */
@Injectable()
export class RevokeServiceAccounts {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Null when it had been revoked before, or is not there. */
  async revoke(id: string): Promise<Revoked | null> {
    const [revoked] = await this.#end(REVOKE_ONE, id)
    // Also the second time: the first may have died before it had stopped everything.
    await this.#stopRequests([id])
    if (!revoked) return null
    const { id: _revoked, ...counts } = revoked
    return counts
  }

  async revokeAllOfClient(clientId: string): Promise<Revoked & { serviceAccounts: number }> {
    const revoked = await this.#end(REVOKE_OF_CLIENT, clientId)
    await this.#stopRequests(revoked.map(({ id }) => id))
    const sum = (of: keyof Revoked) => revoked.reduce((total, account) => total + account[of], 0)
    const counts = { grants: sum('grants'), codes: sum('codes'), tokens: sum('tokens'), requests: sum('requests') }
    return { serviceAccounts: revoked.length, ...counts }
  }

  async #end(statement: typeof REVOKE_ONE, value: string): Promise<RevokedAccount[]> {
    const revoked = await this.database.run(statement, [value, this.clock.now(), ...originValues()])
    failPoint('revoke-service-accounts.committed')
    for (const { id: serviceAccount, ...counts } of revoked)
      this.log.info('service_account.revoked', { serviceAccount, ...counts })
    return revoked
  }

  async #stopRequests(ids: string[]): Promise<void> {
    for (let stopped = BATCH; stopped === BATCH; ) {
      const rows = await this.database.run(STOP_REQUESTS, [ids, this.clock.now(), BATCH, ...originValues()])
      stopped = rows.length
    }
  }
}
