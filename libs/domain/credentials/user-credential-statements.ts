import { recordActsOf } from '#domain/audit/record-act.js'
import { announceEventsOf, type EventType } from '#domain/events/announce-event.js'
import { days, hours, minutes, seconds } from '#platform/clock/clock.js'
import { defineStatement } from '#platform/database/statement.js'

/** An account that nobody uses is asked about so often. Longer than an access token lives: within that time it may not have to be. */
export const CHECKED_EVERY = hours(6)
/** The provider did not answer. */
const FAILED_CHECKED_AFTER = minutes(15)
/** Some are given back, such as one of a person who was suspended. */
const ENDED_CHECKED_EVERY = days(1)
const ENDED_CHECKED_FOR = days(7)
/** A check that has not ended by then has died. */
const CHECK_LEASE = minutes(10)

/** From a provider's answer to its row, on a busy machine. */
const STORING = seconds(3)
/** How long a claim holds: one call to the provider, and storing what it brings. */
export const claimLife = (timeoutMs: number) => timeoutMs + STORING

const ms = (duration: number) => `interval '${duration} ms'`

export interface ClaimedUserCredential {
  id: string
  clientId: string
  provider: string
  sealedRefreshToken: string
  version: string
  rotation: number
  fence: string
}

export const CLAIMED = `id, client_id as "clientId", provider, sealed_refresh_token as "sealedRefreshToken", version, rotation,
     claim_fence::text as fence`

/**
 * The right to use this refresh token, for a while; no row when it is another's, or the account is not connected. The table
 * is logged, unlike that of access tokens: also after a crash of the database two processes do not use one token at once.
 * Its end is the database's time, and no process's own. Values: id, milliseconds.
 */
export const CLAIM_REFRESH = defineStatement<ClaimedUserCredential>(
  'claim-user-credential',
  `update user_credentials set claim_fence = claim_fence + 1, claimed_until = now() + $2 * interval '1 millisecond'
   where id = $1 and disconnected_at is null and coalesce(claimed_until <= now(), true)
   returning ${CLAIMED}`,
)

export const IS_CONNECTED = defineStatement<{ id: string }>(
  'is-user-credential-connected',
  'select id from user_credentials where id = $1 and disconnected_at is null',
)

/**
 * What was learned from one refresh token counts for that very token: it may have been replaced meanwhile, by a process that
 * woke up late or by a new sign-in, and then nothing is changed and nobody's newer token is lost.
 */
const THAT_TOKEN = 'c.id = $1 and c.version = $2 and c.rotation = $3'
const CLAIM_ENDS = 'claimed_until = case when c.claim_fence = $4 then null else c.claimed_until end'

const checkedAgainAt = (time: string) => `check_at = case when c.disconnected_at is null then ${time} end`

/** On record, and to the client, where the provider says of the account otherwise than it did before. */
const tellChange = (changed: string, type: EventType) => `audited as (
    ${recordActsOf(`changed join accounts a on a.id = changed.id where ${changed}`, {
      ...{ client_id: 'changed.client_id', at: 'changed.last_checked_at', act: `'account.checked'` },
      ...{ mailbox: 'a.email', subject: 'changed.id', reason: 'changed.last_checked_error' },
    })}
  ), announced as (
    ${announceEventsOf(`changed join accounts a on a.id = changed.id where ${changed}`, {
      ...{ client_id: 'changed.client_id', at: 'changed.last_checked_at', type: `'${type}'` },
      service_account_id: 'null::text',
      data: `jsonb_strip_nulls(jsonb_build_object('account_id', changed.id, 'user_id', a.user_id,
        'provider', a.provider, 'since', changed.last_checked_at, 'reason', changed.last_checked_error))`,
    })}
  )`

/**
 * One statement puts the new refresh token in the place of the old one, if there is a new one: at every moment the row holds
 * one that is good. Values: id, version, rotation, fence, sealed refresh token or null, now.
 */
export const STORE_REFRESHED = defineStatement<{ id: string }>(
  'store-refreshed-user-credential',
  `with before as (
     select id, requires_authentication_since from user_credentials where id = $1
   ), changed as (
     update user_credentials c set
       sealed_refresh_token = coalesce($5, c.sealed_refresh_token),
       rotation = c.rotation + case when $5::text is null then 0 else 1 end,
       refresh_token_updated_at = case when $5::text is null then c.refresh_token_updated_at else $6::timestamptz end,
       access_token_updated_at = $6, last_checked_at = $6, last_checked_error = null, requires_authentication_since = null,
       ${checkedAgainAt(`$6::timestamptz + ${ms(CHECKED_EVERY)}`)},
       ${CLAIM_ENDS}
     from before where before.id = c.id and ${THAT_TOKEN}
     returning c.id, c.client_id, c.last_checked_at, c.last_checked_error, before.requires_authentication_since as had_ended
   ), ${tellChange('changed.had_ended is not null', 'account.active')}
   select id from changed`,
)

/** The provider has ended this grant. Values: id, version, rotation, fence, our error key, now. */
export const STORE_ENDED = defineStatement<{ id: string }>(
  'store-ended-user-credential',
  `with before as (
     select id, requires_authentication_since from user_credentials where id = $1
   ), changed as (
     update user_credentials c set
       requires_authentication_since = coalesce(c.requires_authentication_since, $6::timestamptz),
       last_checked_at = $6, last_checked_error = $5, ${CLAIM_ENDS},
       ${checkedAgainAt(`case when coalesce(c.requires_authentication_since, $6::timestamptz) > $6 - ${ms(ENDED_CHECKED_FOR)}
         then $6 + ${ms(ENDED_CHECKED_EVERY)} end`)}
     from before where before.id = c.id and ${THAT_TOKEN}
     returning c.id, c.client_id, c.last_checked_at, c.last_checked_error, before.requires_authentication_since as had_ended
   ), ${tellChange('changed.had_ended is null', 'account.requires_authentication')}
   select id from changed`,
)

/** It failed, and that says nothing about the grant. Values: id, version, rotation, fence, our error key, now. */
export const STORE_FAILED = defineStatement(
  'store-failed-user-credential',
  `update user_credentials c set last_checked_at = $6, last_checked_error = $5, ${CLAIM_ENDS},
     ${checkedAgainAt(`$6::timestamptz + ${ms(FAILED_CHECKED_AFTER)}`)}
   where ${THAT_TOKEN}`,
)

/** Takes the checks that are due, for a while. Values: now, how many at most. */
export const CLAIM_CHECKS = defineStatement<{ id: string }>(
  'claim-user-credential-checks',
  `update user_credentials set check_at = $1::timestamptz + ${ms(CHECK_LEASE)} where id = any (array(
     select id from user_credentials where check_at <= $1 order by check_at limit $2 for update skip locked
   )) returning id`,
)
