import { Injectable } from '@nestjs/common'
import { originValues, recordActsOf } from '#domain/audit/record-act.js'
import { announceEventsOf } from '#domain/events/announce-event.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { defineStatement, type Statement } from '#platform/database/statement.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'

/** What worked, or was on its way, and does not any more. */
export interface Revoked {
  grants: number
  codes: number
  tokens: number
  requests: number
}

/**
 * The switch itself: one row for each service account, and from its commit on nothing under it works, because every use of a
 * code, a token or a request asks for it. What follows says so in the other rows.
 * Values: id, now, actor, address, id of the HTTP request.
 */
const revokeBy = (column: 'id' | 'client_id') =>
  defineStatement<{ id: string }>(
    `revoke-service-accounts-by-${column}`,
    `with account as (
       update service_accounts set revoked_at = $2, probe_at = null where ${column} = $1 and revoked_at is null
       returning id, client_id, provider, organisation_id, organisation_name
     ), audited as (
       ${recordActsOf('account', {
         ...{ client_id: 'client_id', at: '$2', act: `'service_account.revoked'`, actor: '$3', address: '$4' },
         ...{ request_id: '$5', service_account_id: 'id', subject: 'id' },
       })}
     ), announced as (
       ${announceEventsOf('account', {
         ...{ client_id: 'client_id', at: '$2', type: `'service_account.revoked'`, service_account_id: 'id' },
         data: `jsonb_build_object('provider', provider, 'organisation_id', organisation_id,
           'organisation_name', organisation_name, 'state', 'revoked', 'reason', null, 'since', $2::timestamptz)`,
       })}
     )
     select id from account`,
  )

const REVOKE_ONE = revokeBy('id')
const REVOKE_OF_CLIENT = revokeBy('client_id')

/** Those that an earlier run may not have finished, too. Values: id or client. */
const FIND_REVOKED = {
  id: defineStatement<{ id: string }>(
    'find-revoked-service-account',
    'select id from service_accounts where id = $1 and revoked_at is not null',
  ),
  client_id: defineStatement<{ id: string }>(
    'find-revoked-service-accounts-of-client',
    'select id from service_accounts where client_id = $1 and revoked_at is not null',
  ),
}

interface EndedGrants extends Pick<Revoked, 'grants' | 'codes' | 'tokens'> {
  /** Of the service account. */
  id: string
}

/** Bounds how many rows one statement locks. */
const BATCH = 2_000

/**
 * Ends some of the grants that are left under service accounts that have ended, and counts what worked with them until then.
 * Codes and tokens are asked for their grant at every use: they are counted here, not touched. What is joined is looked up by
 * arrays of ids, whatever the plan was made on.
 * Values: service accounts, now, batch, actor, address, id of the HTTP request.
 */
const END_GRANTS = defineStatement<EndedGrants>(
  'end-grants',
  `with due as (
     select id from grants where service_account_id = any ($1::text[]) and revoked_at is null limit $3
   ), locked as (
     select id from grants where id = any (array(select id from due)) and revoked_at is null order by id for update
   ), ended as (
     update grants g set revoked_at = $2 where g.id = any (array(select id from locked))
     returning g.id, g.client_id, g.service_account_id, g.refresh_generation
   ), live as (
     select c.grant_id, 1 as codes, 0 as tokens from codes c
     where c.grant_id = any (array(select id from ended)) and c.redeemed_at is null and c.superseded_at is null
       and c.expires_at > $2
     union all
     select t.grant_id, 0, 1 from access_tokens t
     where t.grant_id = any (array(select id from ended)) and t.expires_at > $2
     union all
     select t.grant_id, 0, 1 from refresh_tokens t join ended e on e.id = t.grant_id
     where t.grant_id = any (array(select id from ended)) and t.generation = e.refresh_generation
   ), of_grant as (
     select grant_id, sum(codes) as codes, sum(tokens) as tokens from live group by grant_id
   ), counted as (
     select e.service_account_id as id, e.client_id, count(*)::int as grants,
       coalesce(sum(codes), 0)::int as codes, coalesce(sum(tokens), 0)::int as tokens
     from ended e left join of_grant on grant_id = e.id group by e.service_account_id, e.client_id
   ), audited as (
     ${recordActsOf('counted', {
       ...{ client_id: 'client_id', at: '$2', act: `'service_account.grants_ended'`, actor: '$4', address: '$5' },
       ...{ request_id: '$6', service_account_id: 'id', subject: 'id' },
       details: `jsonb_build_object('grants', grants, 'codes', codes, 'tokens', tokens)::text`,
     })}
   )
   select id, grants, codes, tokens from counted`,
)

/**
 * Stops what is under way for service accounts that have ended: the undecided are cancelled, the untold are not told. The
 * one statement on requests outside their own feature: this has to work from wherever it is called. Workers lock requests
 * in an order of their own, so it waits for none of them: what is being decided or told right now is ended by the next step
 * that looks at it.
 * Values: service accounts, now, batch, actor, address, id of the HTTP request.
 */
const STOP_REQUESTS = defineStatement<{ service_account_id: string }>(
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
   select service_account_id from stopped`,
)

const NOTHING: Revoked = { grants: 0, codes: 0, tokens: 0, requests: 0 }

/**
 * The kill switch, whoever pulls it: a client, an operator at a terminal or over `/admin/v1`. It works with its first commit,
 * and says so in all rows with those that follow; should it die between them, whoever repeats it finishes.
 */
@Injectable()
export class RevokeServiceAccounts {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** What this call has ended. Null when it is not there, or all of it had ended before. */
  async revoke(id: string): Promise<Revoked | null> {
    return (await this.#end(REVOKE_ONE, FIND_REVOKED.id, id)).get(id) ?? null
  }

  async revokeAllOfClient(clientId: string): Promise<Revoked & { serviceAccounts: number }> {
    const ended = [...(await this.#end(REVOKE_OF_CLIENT, FIND_REVOKED.client_id, clientId)).values()]
    const sum = (of: keyof Revoked) => ended.reduce((total, account) => total + account[of], 0)
    const counts = { grants: sum('grants'), codes: sum('codes'), tokens: sum('tokens'), requests: sum('requests') }
    return { serviceAccounts: ended.length, ...counts }
  }

  /** By service account; those of which nothing was left are not in it. */
  async #end(revoke: typeof REVOKE_ONE, find: typeof FIND_REVOKED.id, value: string): Promise<Map<string, Revoked>> {
    const revoked = await this.database.run(revoke, [value, this.clock.now(), ...originValues()])
    failPoint('revoke-service-accounts.committed')
    const counts = new Map(revoked.map(({ id }) => [id, NOTHING]))
    const ids = (await this.database.run(find, [value])).map(({ id }) => id)
    for await (const ended of this.#batches(END_GRANTS, ids))
      for (const { id, ...some } of ended) counts.set(id, sumOf(counts.get(id), some))
    for await (const stopped of this.#batches(STOP_REQUESTS, ids))
      for (const { service_account_id: id } of stopped) counts.set(id, sumOf(counts.get(id), { requests: 1 }))
    for (const [serviceAccount, ended] of counts) this.log.info('service_account.revoked', { serviceAccount, ...ended })
    return counts
  }

  /** Until there is nothing left. */
  async *#batches<Row>(statement: Statement<Row>, ids: string[]): AsyncGenerator<Row[]> {
    for (;;) {
      const rows = await this.database.run(statement, [ids, this.clock.now(), BATCH, ...originValues()])
      if (rows.length === 0) return
      yield rows
    }
  }
}

const sumOf = (former: Revoked = NOTHING, more: Partial<Revoked>): Revoked => ({
  grants: former.grants + (more.grants ?? 0),
  codes: former.codes + (more.codes ?? 0),
  tokens: former.tokens + (more.tokens ?? 0),
  requests: former.requests + (more.requests ?? 0),
})
