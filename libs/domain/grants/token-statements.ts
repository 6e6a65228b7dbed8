import { recordActsOf } from '#domain/audit/record-act.js'
import { defineStatement } from '#platform/database/statement.js'
import type { Grant } from './grant.entity.js'
import { anyScopeLeft, GRANT_COLUMNS, LIVE_OWNERS, scopeLeft } from './live-grant.js'

const OWN_SCOPE = 'coalesce(t.scope, g.scope)'
/** After `from …_tokens t`. */
const LIVE_GRANT_OF_TOKEN = `join grants g on g.id = t.grant_id and g.revoked_at is null ${LIVE_OWNERS}`
const LIVE_GRANT = `select ${GRANT_COLUMNS} from grants g ${LIVE_OWNERS}
     where g.id = $9 and g.revoked_at is null and ${anyScopeLeft('g.scope')}`

/** Every call of every client asks it. The scope is the token's, where that is narrower. Values: hash of an access token, now. */
export const FIND_GRANT_BY_ACCESS_TOKEN = defineStatement<Grant>(
  'find-grant-by-access-token',
  `select ${GRANT_COLUMNS}, ${scopeLeft(OWN_SCOPE)} as scope
   from access_tokens t ${LIVE_GRANT_OF_TOKEN}
   where t.token_hash = $1 and t.expires_at > $2 and ${anyScopeLeft(OWN_SCOPE)}`,
)

export interface FoundAccessToken extends Grant {
  issuedAt: Date
  expiresAt: Date
}

/** With its live grant, and the token's scope where that is narrower; expired or not. Values: hash. */
export const FIND_ACCESS_TOKEN = defineStatement<FoundAccessToken>(
  'find-access-token',
  `select ${GRANT_COLUMNS}, ${scopeLeft(OWN_SCOPE)} as scope, t.created_at as "issuedAt", t.expires_at as "expiresAt"
   from access_tokens t ${LIVE_GRANT_OF_TOKEN}
   where t.token_hash = $1 and ${anyScopeLeft(OWN_SCOPE)}`,
)

export interface FoundRefreshToken extends Grant {
  generation: number
  issuedAt: Date
  usedAt: Date | null
}

/** With its live grant, used or not. Values: hash. */
export const FIND_REFRESH_TOKEN = defineStatement<FoundRefreshToken>(
  'find-refresh-token',
  `select ${GRANT_COLUMNS}, t.generation, t.created_at as "issuedAt", t.used_at as "usedAt"
   from refresh_tokens t ${LIVE_GRANT_OF_TOKEN}
   where t.token_hash = $1 and ${anyScopeLeft('g.scope')}`,
)

/** What every pair of tokens is written from, in the order of the values of {@link storeTokensOf}. */
export type TokenValues = [
  accessHash: string,
  refreshHash: string,
  now: Date,
  expiresAt: Date,
  actor: string,
  address: string | null,
  requestId: string | null,
]

/**
 * Stores a pair of tokens of the grant that a CTE `live` holds by {@link GRANT_COLUMNS}, and puts that on record.
 * Text, so that a code or a refresh token is used up and turned into tokens in one statement.
 * Both options are SQL: the access token's own scope, and the refresh token's generation.
 */
const storeTokensOf = (
  act: 'code.exchanged' | 'token.refreshed',
  { narrowed, generation }: { narrowed: string; generation: string },
) => `access as (
    insert into access_tokens (token_hash, grant_id, scope, created_at, expires_at)
    select $1, id, ${narrowed}, $3::timestamptz, $4::timestamptz from live
  ), refresh as (
    insert into refresh_tokens (token_hash, grant_id, generation, created_at)
    select $2, id, ${generation}, $3::timestamptz from live
  ), audited as (
    ${recordActsOf('live left join accounts a on a.id = live."accountId"', {
      ...{ client_id: '"clientId"', at: '$3::timestamptz', act: `'${act}'`, actor: '$5::text', address: '$6::text' },
      ...{ request_id: '$7::text', service_account_id: '"serviceAccountId"', mailbox: 'a.email', subject: 'live.id' },
    })}
  )`

export interface FoundCode {
  grantId: string
  clientId: string
  redirectUri: string
  codeChallenge: string | null
  /** Of its grant; the life of the tokens depends on it. */
  accountId: string | null
  requestId: string | null
}

/** Values: hash. */
export const FIND_CODE = defineStatement<FoundCode>(
  'find-code',
  `select d.grant_id as "grantId", d.client_id as "clientId", d.redirect_uri as "redirectUri",
     d.code_challenge as "codeChallenge", g.account_id as "accountId", d.request_id as "requestId"
   from codes d join grants g on g.id = d.grant_id where d.code_hash = $1`,
)

/**
 * Uses a code up and issues its tokens, at once. No row, and nothing done, when another exchange was first, or the code or
 * its grant has ended. Values: {@link TokenValues}, hash of the code, its grant.
 */
export const EXCHANGE_CODE = defineStatement<Grant>(
  'exchange-code',
  `with alive as (
     ${LIVE_GRANT}
   ), used as (
     update codes set redeemed_at = $3::timestamptz
     where code_hash = $8 and redeemed_at is null and superseded_at is null and expires_at > $3::timestamptz
       and exists (select 1 from alive)
     returning 1
   ), live as (
     select alive.* from alive, used
   ), ${storeTokensOf('code.exchanged', { narrowed: 'null', generation: '"refreshGeneration"' })}
   select * from live`,
)

/**
 * Turns a refresh token into a new pair, and forgets what of its grant opens nothing any more, so that a grant keeps few rows
 * however long it is used. No row when the grant is revoked, or another generation than the one that was seen: then it is
 * to be looked at again. Values: {@link TokenValues}, hash of the token, its grant, generation seen, next generation,
 * scope of the access token or null, since when used-up tokens are remembered.
 */
export const ROTATE_REFRESH_TOKEN = defineStatement<Grant>(
  'rotate-refresh-token',
  `with alive as (
     ${LIVE_GRANT}
   ), turned as (
     update grants set refresh_generation = $11::int from alive
     where grants.id = alive.id and grants.refresh_generation = $10::int and grants.revoked_at is null
     returning 1
   ), live as (
     select alive.* from alive, turned
   ), used as (
     update refresh_tokens set used_at = $3::timestamptz from live where token_hash = $8 and used_at is null
   ), spent_access as (
     delete from access_tokens t using live where t.grant_id = live.id and t.expires_at < $3::timestamptz
   ), spent_refresh as (
     delete from refresh_tokens t using live
     where t.grant_id = live.id and t.generation < $11::int - 1 and coalesce(t.used_at, t.created_at) < $13::timestamptz
   ), ${storeTokensOf('token.refreshed', { narrowed: '$12::text[]', generation: '$11::int' })}
   select live.*, $11::int as "refreshGeneration" from live`,
)
