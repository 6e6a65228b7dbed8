import { defineStatement } from '#platform/database/statement.js'
import { CLAIMED, type ClaimedUserCredential } from './user-credential-statements.js'

/** The right to take back at the provider what was disconnected here. Values: id, milliseconds. */
export const CLAIM_TAKING_BACK = defineStatement<ClaimedUserCredential>(
  'claim-taking-back-user-credential',
  `update user_credentials c set claim_fence = claim_fence + 1, claimed_until = now() + $2 * interval '1 millisecond'
   where id = $1 and disconnected_at is not null and coalesce(claimed_until <= now(), true)
   returning ${CLAIMED}`,
)

const SAME_CONSENT =
  'registration_id = c.registration_id and provider_user_id = c.provider_user_id and provider = c.provider'

/**
 * Whether another account of ours stands on the same consent of the same person, whichever client it is of, and would end with
 * it. Only after the claim: whoever connects then sees the claim, and whoever has connected before is seen. Values: id.
 */
export const IS_CONSENT_SHARED = defineStatement<{ shared: boolean }>(
  'is-consent-shared',
  `select exists (
     select from user_credentials
     where ${SAME_CONSENT} and id <> c.id and disconnected_at is null and requires_authentication_since is null
   ) as shared from user_credentials c where c.id = $1`,
)

/**
 * Whether a consent is being taken back at this moment: what its owner allows now may end with it. No claim is made until the
 * end of the transaction. One that lasts longer than a call is nobody's: it says when a provider that was down is asked again.
 * Values: registration, the person's id at the provider, provider, milliseconds.
 */
export const IS_BEING_TAKEN_BACK = `with consent as (
     select disconnected_at, claimed_until from user_credentials
     where registration_id = ? and provider_user_id = ? and provider = ? order by id for update
   )
   select from consent where disconnected_at is not null
     and claimed_until > now() and claimed_until <= now() + ? * interval '1 millisecond'`

/** Values: id, fence. */
export const FORGET = defineStatement(
  'forget-user-credential',
  'delete from user_credentials where id = $1 and claim_fence = $2 and disconnected_at is not null',
)

/** Tried again after a while, or given up when that has gone on for long. Values: id, fence, milliseconds, and what was disconnected before when is given up. */
export const POSTPONE_TAKING_BACK = defineStatement(
  'postpone-taking-back-user-credential',
  `with given_up as (
     delete from user_credentials where id = $1 and claim_fence = $2
       and disconnected_at < $4::timestamptz
   )
   update user_credentials set claimed_until = now() + $3 * interval '1 millisecond'
   where id = $1 and claim_fence = $2 and disconnected_at >= $4::timestamptz`,
)

/**
 * Those that wait for a provider that is down are passed over by the index, however many they are: each is due again when its
 * claim ends, and one that nobody has tried yet since it was disconnected. Values: how many at most.
 */
export const FIND_TO_TAKE_BACK = defineStatement<{ id: string }>(
  'find-user-credentials-to-take-back',
  `select id from user_credentials
   where disconnected_at is not null and coalesce(claimed_until, disconnected_at) <= now()
   order by coalesce(claimed_until, disconnected_at) limit $1`,
)
