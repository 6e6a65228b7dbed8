import { defineStatement } from '#platform/database/statement.js'
import { defineRetention } from '#platform/retention/retention-rule.js'

/** Part of a statement. @param ids SQL for an array of requests; what is with them is notice of a second use */
export const deleteCodesOfRequests = (ids: string) => `delete from codes where request_id = any(${ids})`

/** Codes that a browser carried; those of callbacks leave with their request. */
export const EXPIRED_CODES = defineRetention({
  what: 'expired codes',
  age: 'expiredMs',
  statement: defineStatement<{ rows: number }>(
    'delete-expired-codes',
    `with gone as (
       delete from codes where code_hash = any(array(
         select code_hash from codes where request_id is null and expires_at < $1
         order by expires_at limit $2 for update skip locked
       )) returning 1
     )
     select count(*)::int as rows from gone`,
  ),
})

export const EXPIRED_ACCESS_TOKENS = defineRetention({
  what: 'expired access tokens',
  age: 'expiredMs',
  statement: defineStatement<{ rows: number }>(
    'delete-expired-access-tokens',
    `with gone as (
       delete from access_tokens where token_hash = any(array(
         select token_hash from access_tokens where expires_at < $1
         order by expires_at limit $2 for update skip locked
       )) returning 1
     )
     select count(*)::int as rows from gone`,
  ),
})

/**
 * Whoever holds one that is so old can neither use it, because it was not used in time, nor give a theft away by it. Those
 * of a grant that is used leave sooner: see `forgetSpent`.
 */
export const DEAD_REFRESH_TOKENS = defineRetention({
  what: 'dead refresh tokens',
  age: 'refreshTokensMs',
  statement: defineStatement<{ rows: number }>(
    'delete-dead-refresh-tokens',
    `with gone as (
       delete from refresh_tokens where token_hash = any(array(
         select token_hash from refresh_tokens where created_at < $1
         order by created_at limit $2 for update skip locked
       )) returning 1
     )
     select count(*)::int as rows from gone`,
  ),
})
