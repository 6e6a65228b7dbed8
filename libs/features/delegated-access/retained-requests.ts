import { deleteCodesOfRequests } from '#domain/grants/retained-grant-leftovers.js'
import { defineRetention } from '#platform/retention/retention-rule.js'

/**
 * With its attempts and its codes. Found by the index that lists them, one service account after the other, so that no
 * further index is written for every mailbox; a request that is old and not finished is passed over.
 */
export const FINISHED_REQUESTS = defineRetention(
  'finished requests',
  'requestsMs',
  `with finished as materialized (
     select old.id from service_accounts s cross join lateral (
       select r.id from delegated_access_requests r
       where r.service_account_id = s.id and r.created_at < $1 and r.ended_at < $1 and r.ring_at is null
       order by r.created_at, r.id limit $2 for update skip locked
     ) as old limit $2
   ), attempts as (
     delete from callback_attempts where request_id = any(array(select id from finished))
   ), spent as (
     ${deleteCodesOfRequests('array(select id from finished)')}
   ), gone as (
     delete from delegated_access_requests where id = any(array(select id from finished)) returning id
   )
   select count(*)::int as rows from gone`,
)
