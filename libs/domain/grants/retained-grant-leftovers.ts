import { defineRetention, deleteRows } from '#platform/retention/retention-rule.js'

/** Part of a statement. @param ids SQL for an array of requests; what is with them is notice of a second use */
export const deleteCodesOfRequests = (ids: string) => `delete from codes where request_id = any(${ids})`

/** Codes that a browser carried; those of callbacks leave with their request. */
export const EXPIRED_CODES = defineRetention(
  'expired codes',
  'expiredMs',
  deleteRows({
    table: 'codes',
    key: 'code_hash',
    where: 'request_id is null and expires_at < $1',
    order: 'expires_at',
  }),
)

export const EXPIRED_ACCESS_TOKENS = defineRetention(
  'expired access tokens',
  'expiredMs',
  deleteRows({ table: 'access_tokens', key: 'token_hash', where: 'expires_at < $1', order: 'expires_at' }),
)

/**
 * Whoever holds one that is so old can neither use it, because it was not used in time, nor give a theft away by it. Those
 * of a grant that is used leave sooner: see `forgetSpent`.
 */
export const DEAD_REFRESH_TOKENS = defineRetention(
  'dead refresh tokens',
  'refreshTokensMs',
  deleteRows({ table: 'refresh_tokens', key: 'token_hash', where: 'created_at < $1', order: 'created_at' }),
)
