import { Injectable } from '@nestjs/common'
import { recordActsOf } from '#domain/audit/record-act.js'
import { announceEventsOf } from '#domain/events/announce-event.js'
import { after, Clock, hours, minutes } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import type { ProviderError } from '#platform/errors/provider-error.js'
import type { ServiceAccount } from './service-account.entity.js'

/**
 * What a service account is good for, as far as we know.
 * `active`: nothing speaks against it. `degraded`: it works in part, or its provider is not answering. `failing`: nothing
 * works until somebody mends it, and requests wait for that. `revoked` is what `revoked_at` says, and final.
 *
 * One thing moves it between the first three: a probe, which acts for real with tokens of its own. Mints and proxy reads
 * say what they met, and that brings a probe forward; by themselves they decide nothing, because they may be about one
 * mailbox, or act with a token from before.
 */
export const SERVICE_ACCOUNT_STATES = ['active', 'degraded', 'failing', 'revoked'] as const
type ServiceAccountState = (typeof SERVICE_ACCOUNT_STATES)[number]
export type LiveState = Exclude<ServiceAccountState, 'revoked'>

/** While it is not active: after each probe that fails, counted from the last. The last one goes on. */
export const PROBE_AGAIN_AFTER = [minutes(15), hours(1), hours(6), hours(24)] as const
/** An outage that is over by then was none. */
export const OUTAGE_COUNTS_AFTER = minutes(5)
/** A refusal is looked into at once, but so often and no more. */
const PROBES_APART = minutes(1)
/** By its key: what passes by itself, at the provider or with us, and says nothing about a service account. */
export const isOutage = (reason: string | null | undefined) => /^(provider|operator)\./.test(reason ?? '')
/** What works although it is said not to is looked into as well. */
const GOOD_NEWS_APART = minutes(5)
/** A probe that has not ended by then has died. */
export const PROBE_LEASE = minutes(10)

export interface ShownState {
  state: ServiceAccountState
  since: Date
  /** An error key; null while active or revoked. */
  reason: string | null
}

type StateColumns = Pick<ServiceAccount, 'state' | 'stateReason' | 'stateSince' | 'createdAt' | 'revokedAt'>

export function stateOf({ state, stateReason, stateSince, createdAt, revokedAt }: StateColumns): ShownState {
  if (revokedAt) return { state: 'revoked', since: revokedAt, reason: null }
  return { state, since: stateSince ?? createdAt, reason: stateReason ?? null }
}

/** Brings the next probe forward. Changes nothing when it is to come by then anyway. Values: id, wanted, milliseconds apart. */
const BRING_PROBE_FORWARD = defineStatement(
  'bring-probe-forward',
  `update service_accounts s set probe_at = wanted.at
   from (
     select id, greatest($2::timestamptz, coalesce(probed_at, '-infinity') + $3 * interval '1 ms') as at
     from service_accounts where id = $1
   ) wanted
   where s.id = wanted.id and s.revoked_at is null and coalesce(s.probe_at, 'infinity') > wanted.at`,
)

/** What a probe that is under way finds, it finds with the credential from before. Values: provider, client (or null), now. */
const PROBE_USERS_OF_OPERATOR = defineStatement(
  'probe-users-of-operator-credential',
  `update service_accounts set probe_at = $3, probing_since = null
   where provider = $1 and credential_source = 'operator' and revoked_at is null
     and (state <> 'active' or probing_since is not null)
     and case when $2::text is null
       then not exists (
         select 1 from provider_credentials p where p.provider = $1 and p.client_id = service_accounts.client_id)
       else client_id = $2 end`,
)

/** Values: now, end of the lease, at most. */
const CLAIM_PROBES = defineStatement<{ id: string }>(
  'claim-probes',
  `update service_accounts set probing_since = $1, probe_at = $2 where id in (
     select id from service_accounts
     where probe_at <= $1 and revoked_at is null
       and (probing_since is null or probing_since < $1::timestamptz - interval '${PROBE_LEASE} ms')
     order by probe_at limit $3 for update skip locked
   ) returning id`,
)

export interface RecordedProbe {
  id: string
  state: LiveState
  /** What it was before. */
  earlier: LiveState
  probe_at: Date | null
}

/**
 * Writes down what a probe found, unless it has been overtaken: by another, by a new credential or by the end of the
 * service account. Whoever wanted a probe meanwhile gets one. `probed_at` is when it began: what was refused after that
 * is news.
 * Values: id, when the probe was claimed, end of its lease, now, state (null: nothing found out), reason.
 */
const RECORD_PROBE = defineStatement<RecordedProbe>(
  'record-probe',
  `with before as (
     select id, state as earlier, state_reason as earlier_reason from service_accounts where id = $1 for update
   ), moved as (
     update service_accounts s set
       state = coalesce($5::text, s.state),
       state_reason = case when $5::text is null then s.state_reason else $6 end,
       state_since = case when coalesce($5::text, s.state) = s.state then s.state_since else $4 end,
       failed_probes = case when $5::text is null then s.failed_probes when $5 = 'active' then 0 else s.failed_probes + 1 end,
       holds_requests = s.holds_requests or coalesce($5::text, s.state) = 'failing',
       probing_since = null,
       probed_at = case when $5::text is null then s.probed_at else $2 end,
       probe_at = least(
         -- Wanted while it was under way; of one that is failing nobody need be told again.
         case when s.probe_at <> $3 and coalesce($5::text, s.state) <> 'failing'
           then greatest(s.probe_at, $2::timestamptz + interval '${PROBES_APART} ms') end,
         case
           when $5::text is null then $4::timestamptz + interval '${OUTAGE_COUNTS_AFTER} ms'
           when $5 = 'active' then null
           else $4::timestamptz + interval '1 ms' * (array[${PROBE_AGAIN_AFTER.join(', ')}])[
             least(s.failed_probes + 1, ${PROBE_AGAIN_AFTER.length})]
         end)
     from before
     where s.id = before.id and s.probing_since = $2 and s.revoked_at is null
     returning s.*, before.earlier, before.earlier_reason
   ), changed as (
     select * from moved where state <> earlier or state_reason is distinct from earlier_reason
   ), audited as (
     ${recordActsOf('changed', {
       ...{ client_id: 'client_id', at: '$4', act: `'service_account.' || state`, service_account_id: 'id' },
       ...{ subject: 'id', reason: 'state_reason' },
     })}
   ), announced as (
     ${announceEventsOf('changed', {
       ...{ client_id: 'client_id', at: '$4', type: `'service_account.' || state`, service_account_id: 'id' },
       data: `jsonb_build_object('provider', provider, 'organisation_id', organisation_id,
         'organisation_name', organisation_name, 'state', state, 'reason', state_reason, 'since', state_since)`,
     })}
   )
   select id, state, earlier, probe_at from moved`,
)

/** As many rows as are not well, however many are. */
const COUNT_NOT_ACTIVE = defineStatement<{ degraded: number; failing: number }>(
  'count-not-active',
  `select count(*) filter (where state = 'degraded')::int as degraded, count(*) filter (where state = 'failing')::int as failing
   from service_accounts where state <> 'active' and revoked_at is null`,
)

export interface ClaimedProbe {
  id: string
  claimedAt: Date
  leaseUntil: Date
}

/** The state of service accounts: who may bring a probe forward, and the one who writes down what it found. */
@Injectable()
export class ServiceAccountStates {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Somebody acted through it and was refused, or not answered. What is about one mailbox says nothing about it. */
  async refused(account: Pick<ServiceAccount, 'id' | 'state'>, { facts }: ProviderError): Promise<void> {
    // While it is failing it is probed in its own time. "Slow down" is no failure: who says so is there, and works.
    if (facts.effect === 'mailbox' || account.state === 'failing' || facts.key === 'provider.throttled') return
    await this.#bringForward(account.id, facts.class === 'retry' ? OUTAGE_COUNTS_AFTER : 0, PROBES_APART)
  }

  /**
   * Somebody acted through it. News only where an outage is said to be: what works in part goes on working in part, and a
   * token from before works for an hour after all was taken back.
   */
  async worked({ id, state, stateReason }: Pick<ServiceAccount, 'id' | 'state' | 'stateReason'>): Promise<void> {
    if (state === 'degraded' && isOutage(stateReason)) await this.#bringForward(id, 0, GOOD_NEWS_APART)
  }

  /** Somebody has found it in order, by trying all of it. */
  async foundWell({ id, state }: Pick<ServiceAccount, 'id' | 'state'>): Promise<void> {
    if (state !== 'active') await this.#bringForward(id, 0, PROBES_APART)
  }

  /** The operator has another credential: whoever did not work with the former one is tried with this one. */
  async credentialReplaced(provider: ServiceAccount['provider'], clientId: string | null): Promise<void> {
    await this.database.run(PROBE_USERS_OF_OPERATOR, [provider, clientId, this.clock.now()])
  }

  async countNotActive(): Promise<{ degraded: number; failing: number }> {
    const [counts] = await this.database.run(COUNT_NOT_ACTIVE, [])
    return counts ?? { degraded: 0, failing: 0 }
  }

  /** Those whose time has come, each for one process alone. */
  async claimProbes(most: number): Promise<ClaimedProbe[]> {
    const claimedAt = this.clock.now()
    const leaseUntil = after(claimedAt, PROBE_LEASE)
    const claimed = await this.database.run(CLAIM_PROBES, [claimedAt, leaseUntil, most])
    return claimed.map(({ id }) => ({ id, claimedAt, leaseUntil }))
  }

  /** @param state null when nothing was found out @returns null when it was overtaken */
  async recordProbe(
    { id, claimedAt, leaseUntil }: ClaimedProbe,
    state: LiveState | null,
    reason: string | null,
  ): Promise<RecordedProbe | null> {
    const values = [id, claimedAt, leaseUntil, this.clock.now(), state, reason]
    const [recorded] = await this.database.run(RECORD_PROBE, values)
    return recorded ?? null
  }

  async #bringForward(id: string, inMs: number, apartMs: number): Promise<void> {
    await this.database.run(BRING_PROBE_FORWARD, [id, after(this.clock.now(), inMs), apartMs])
  }
}
