import { defineRetention } from '#platform/retention/retention-rule.js'

/** A host that failed and was never called again: nobody is left who could close its breaker. */
export const FORGOTTEN_BREAKERS = defineRetention(
  'forgotten breakers',
  'expiredMs',
  `with gone as (
     delete from callback_hosts where (client_id, host) in (
       select client_id, host from callback_hosts where failing_since < $1 and coalesce(open_until, failing_since) < $1
       limit $2 for update skip locked
     ) returning 1
   )
   select count(*)::int as rows from gone`,
)
