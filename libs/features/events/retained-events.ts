import { defineStatement } from '#platform/database/statement.js'
import { defineRetention } from '#platform/retention/retention-rule.js'

export const FINISHED_EVENTS = defineRetention({
  what: 'finished events',
  age: 'requestsMs',
  statement: defineStatement<{ rows: number }>(
    'delete-finished-events',
    `with gone as (
       delete from client_events where id = any(array(
         select id from client_events where created_at < $1 and ended_at < $1 and ring_at is null
         order by created_at, id limit $2 for update skip locked
       )) returning 1
     )
     select count(*)::int as rows from gone`,
  ),
})
