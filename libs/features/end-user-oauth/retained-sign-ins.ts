import { defineStatement } from '#platform/database/statement.js'
import { defineRetention } from '#platform/retention/retention-rule.js'

/** A visit that nobody came back from may hold what a provider gave us for a person: it goes when its time is over. */
export const SECRETS_OF_SIGN_INS = defineRetention({
  what: 'secrets of sign-ins',
  age: 'atOnce',
  statement: defineStatement<{ rows: number }>(
    'forget-secrets-of-sign-ins',
    `with forgotten as (
       update sign_ins set sealed_attempt = null where id = any(array(
         select id from sign_ins where expires_at < $1 and sealed_attempt is not null
         order by expires_at limit $2 for update skip locked
       )) returning 1
     )
     select count(*)::int as rows from forgotten`,
  ),
})

/** Over or not: whoever comes back by one of these is told no more than that it is unknown. */
export const EXPIRED_SIGN_INS = defineRetention({
  what: 'expired sign-ins',
  age: 'expiredMs',
  statement: defineStatement<{ rows: number }>(
    'delete-expired-sign-ins',
    `with gone as (
       delete from sign_ins where id = any(array(
         select id from sign_ins where expires_at < $1 order by expires_at limit $2 for update skip locked
       )) returning 1
     )
     select count(*)::int as rows from gone`,
  ),
})
