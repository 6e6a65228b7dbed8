/**
 * A CTE `locked`: the requests that a statement over many is about, as they are once nobody else is changing them. Values:
 * their ids as `$1`.
 *
 * Ids are all that it goes by, and the statement asks `locked` for the rest. A condition like `callback = 'waiting'` on the
 * table would let the planner read all that wait instead: it takes them for none, until it has counted a backlog. And in
 * one order, so that two batches never wait for each other.
 */
export const LOCK_ASKED_REQUESTS = `locked as (
     select * from delegated_access_requests where id = any ($1::text[]) order by id for update
   )`
