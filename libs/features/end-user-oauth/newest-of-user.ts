/** More than one person connects; of whoever has more, the newest are shown. */
export const MOST_SHOWN = 200

/**
 * A CTE `newest`: what one user ($2) of a client ($1) has connected, and how it fares. Bounded in the order of an index, before
 * anything hangs on it, so that a client that calls all of its users by one name gets an answer too.
 */
export const NEWEST_ACCOUNTS = `newest as materialized (
    select a.id, a.client_id as "clientId", a.user_id as "userId", a.provider, a.email, a.display_name as "displayName",
      a.profile_id as "profileId", a.created_at as "createdAt", c.refresh_token_updated_at as "refreshTokenUpdatedAt",
      c.access_token_updated_at as "accessTokenUpdatedAt", c.last_checked_at as "lastCheckedAt",
      c.last_checked_error as "lastCheckedError", c.requires_authentication_since is not null as "requiresAuthentication"
    from accounts a join user_credentials c on c.id = a.id and c.disconnected_at is null
    where a.client_id = $1 and a.user_id = $2
    order by a.created_at desc, a.id desc limit ${MOST_SHOWN}
  )`

/** The same, and a CTE `live`: what these accounts are connected for. */
export const NEWEST_GRANTS = `${NEWEST_ACCOUNTS}, live as (
    select g.id, n."userId", n.provider, n.email, n."requiresAuthentication", g.scope, g.created_at as "createdAt"
    from newest n cross join lateral (
      select id, scope, created_at from grants
      where account_id = n.id and revoked_at is null order by created_at desc, id desc limit ${MOST_SHOWN}
    ) g
  )`
