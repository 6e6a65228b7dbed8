import { recordActsOf } from '#domain/audit/record-act.js'
import { defineCallersStatement, defineLookup } from '#platform/database/statement.js'
import { DESCRIBED_ACCOUNT, type WithDescribedAccount } from './described-account.js'
import type { Grant } from './grant.entity.js'
import { anyScopeLeft, GRANT_COLUMNS, LIVE_OWNERS, scopeLeft } from './live-grant.js'

const OWN_SCOPE = 'coalesce(t.scope, g.scope)'
/** After `from …_tokens t`. */
const LIVE_GRANT_OF_TOKEN = `join grants g on g.id = t.grant_id and g.revoked_at is null ${LIVE_OWNERS}`

export interface FoundAccessToken extends Grant {
  issuedAt: Date
  expiresAt: Date
}

/**
 * Every call of every client asks it, or the like of it: an access token with its live grant, and the token's scope where that
 * is narrower; expired or not. By hash.
 * @param columns what else its caller needs of `grants g`, so that no second statement has to be waited for
 */
export const defineAccessTokenLookup = <More = unknown>(name: string, ...columns: string[]) =>
  defineLookup<FoundAccessToken & More>(
    name,
    `select ${['t.token_hash as asked', GRANT_COLUMNS, `${scopeLeft(OWN_SCOPE)} as scope`, ...columns].join()},
       t.created_at as "issuedAt", t.expires_at as "expiresAt"
     from access_tokens t ${LIVE_GRANT_OF_TOKEN}
     where t.token_hash = any ($1::text[]) and ${anyScopeLeft(OWN_SCOPE)}`,
  )

export const FIND_ACCESS_TOKEN = defineAccessTokenLookup('find-access-token')

export interface FoundRefreshToken extends Grant, WithDescribedAccount {
  generation: number
  issuedAt: Date
  usedAt: Date | null
}

/** With its live grant, used or not. By hash. */
export const FIND_REFRESH_TOKEN = defineLookup<FoundRefreshToken>(
  'find-refresh-token',
  `select t.token_hash as asked, ${GRANT_COLUMNS}, t.generation, t.created_at as "issuedAt", t.used_at as "usedAt",
     ${DESCRIBED_ACCOUNT}
   from refresh_tokens t ${LIVE_GRANT_OF_TOKEN}
   where t.token_hash = any ($1::text[]) and ${anyScopeLeft('g.scope')}`,
)

/** What every pair of tokens is written from. */
export type TokenValues = [
  accessHash: string,
  refreshHash: string,
  now: Date,
  expiresAt: Date,
  actor: string,
  address: string | null,
  requestId: string | null,
]

/** Its grant, and {@link TokenValues}; then what a statement adds, with the names of that. */
const askedWith = (values: string, names: string) => `asked as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[],
        $8::text[], ${values})
      as asked (grant_id, access_hash, refresh_hash, now, expires_at, actor, address, origin_id, ${names})
  ), alive as (
    select ${GRANT_COLUMNS} from grants g ${LIVE_OWNERS}
    where g.id = any ($1::text[]) and g.revoked_at is null and ${anyScopeLeft('g.scope')}
  )`

/**
 * Stores the pairs of tokens that a CTE `live` holds, the grants of `alive` with what was `asked` of each, and puts that on
 * record. Text, so that codes or refresh tokens are used up and turned into tokens in one statement.
 * Both options are SQL: the access token's own scope, and the refresh token's generation.
 */
const storeTokensOf = (
  act: 'code.exchanged' | 'token.refreshed',
  { narrowed, generation }: { narrowed: string; generation: string },
) => `access as (
    insert into access_tokens (token_hash, grant_id, scope, created_at, expires_at)
    select access_hash, id, ${narrowed}, now, expires_at from live
  ), refresh as (
    insert into refresh_tokens (token_hash, grant_id, generation, created_at)
    select refresh_hash, id, ${generation}, now from live
  ), audited as (
    ${recordActsOf('live left join accounts a on a.id = live."accountId"', {
      ...{ client_id: '"clientId"', at: 'now', act: `'${act}'`, actor: 'actor', address: 'address' },
      ...{ request_id: 'origin_id', service_account_id: '"serviceAccountId"', mailbox: 'a.email', subject: 'live.id' },
    })}
  )
  select id, "clientId", "serviceAccountId", "accountId", scope, ${generation} as "refreshGeneration", "createdAt", "revokedAt"
  from live`

export interface FoundCode extends WithDescribedAccount {
  grantId: string
  clientId: string
  redirectUri: string
  codeChallenge: string | null
  requestId: string | null
}

/** By hash. */
export const FIND_CODE = defineLookup<FoundCode>(
  'find-code',
  `select d.code_hash as asked, d.grant_id as "grantId", d.client_id as "clientId", d.redirect_uri as "redirectUri",
     d.code_challenge as "codeChallenge", d.request_id as "requestId", ${DESCRIBED_ACCOUNT}
   from codes d join grants g on g.id = d.grant_id where d.code_hash = any ($1::text[])`,
)

/**
 * Uses codes up and issues their tokens, at once. No row, and nothing done, for one of which another exchange was first, or
 * which has ended, or its grant. Values: grant, {@link TokenValues}, hash of the code.
 */
export const EXCHANGE_CODE = defineCallersStatement<Grant>(
  'exchange-code',
  `with ${askedWith('$9::text[]', 'code_hash')}, locked as (
     select code_hash from codes where code_hash = any ($9::text[]) order by code_hash for update
   ), used as (
     update codes set redeemed_at = asked.now
     from asked join alive on alive.id = asked.grant_id join locked on locked.code_hash = asked.code_hash
     where codes.code_hash = locked.code_hash and redeemed_at is null and superseded_at is null
       and codes.expires_at > asked.now
     returning asked.*
   ), live as (
     select * from alive join used on used.grant_id = alive.id
   ), ${storeTokensOf('code.exchanged', { narrowed: 'null::text[]', generation: '"refreshGeneration"' })}`,
)

/**
 * Turns refresh tokens into new pairs, and forgets what of their grants opens nothing any more, so that a grant keeps few rows
 * however long it is used. No row for a grant that is revoked, or is at another generation than the one that was seen: then
 * it is to be looked at again. Values: grant, {@link TokenValues}, hash of the token, generation seen, next generation,
 * scope of the access token or null (names with spaces between, as on the wire), since when used-up tokens are remembered.
 */
export const ROTATE_REFRESH_TOKEN = defineCallersStatement<Grant>(
  'rotate-refresh-token',
  `with ${askedWith(
    '$9::text[], $10::int[], $11::int[], $12::text[], $13::timestamptz[]',
    'token_hash, seen, next, narrowed, remembered_since',
  )}, locked as (
     select id from grants where id = any ($1::text[]) order by id for no key update
   ), turned as (
     update grants set refresh_generation = asked.next
     from asked join alive on alive.id = asked.grant_id join locked on locked.id = asked.grant_id
     where grants.id = locked.id and grants.refresh_generation = asked.seen and grants.revoked_at is null
     returning asked.*
   ), live as (
     select * from alive join turned on turned.grant_id = alive.id
   ), used as (
     update refresh_tokens t set used_at = live.now from live where t.token_hash = live.token_hash and t.used_at is null
   ), spent_access as (
     delete from access_tokens t using live where t.grant_id = live.id and t.expires_at < live.now
   ), spent_refresh as (
     delete from refresh_tokens t using live
     where t.grant_id = live.id and t.generation < live.next - 1
       and coalesce(t.used_at, t.created_at) < live.remembered_since
   ), ${storeTokensOf('token.refreshed', { narrowed: `string_to_array(narrowed, ' ')`, generation: 'next' })}`,
)
