/**
 * Joins to `grants g` what a live grant needs beside itself: its client, and its service account where it has one. Asked at
 * every use and never remembered: so one update of a grant, a service account or a client ends at once, in every process,
 * all that hangs on it. Also a grant that was being made at the moment when its service account ended.
 */
export const LIVE_OWNERS = `
  left join service_accounts s on s.id = g.service_account_id
  join clients c on c.id = g.client_id and c.disabled_at is null
    and (g.service_account_id is null or (s.id is not null and s.revoked_at is null))`

/**
 * Over `grants g` and its owners: what is left of a scope where an administrator has allowed less since, and whether anything
 * is, for a mailbox of its kind. A service account that was never narrowed has no say: what is asked for through it has been
 * checked.
 */
export const scopeLeft = (scope: string) => `case when s.narrowed_to is null or g.account_id is null then ${scope}
    else array(select name from unnest(${scope}) name where name = any (s.narrowed_to)) end`
export const anyScopeLeft = (scope: string) => `(g.account_id is null or ${isLeft(scope)})`

/** The same where the grant is known to be a mailbox's. */
export const isLeft = (scope: string) =>
  `((s.narrowed_to is null or ${scope} && s.narrowed_to) and (s.narrowed_kinds is null or g.kind = any (s.narrowed_kinds)))`

/** Of `grants g` and its owners, as an entity `Grant` has them: for statements that every call pays for, past the unit of work. */
export const GRANT_COLUMNS = `g.id, g.client_id as "clientId", g.service_account_id as "serviceAccountId",
  g.account_id as "accountId", ${scopeLeft('g.scope')} as scope, g.refresh_generation as "refreshGeneration",
  g.created_at as "createdAt", g.revoked_at as "revokedAt"`
