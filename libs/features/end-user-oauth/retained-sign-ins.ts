import { defineRetention, deleteRows, emptyRows } from '#platform/retention/retention-rule.js'

const BY_EXPIRY = { table: 'sign_ins', key: 'id', order: 'expires_at' }

/** A visit that nobody came back from may hold what a provider gave us for a person: it goes when its time is over. */
export const SECRETS_OF_SIGN_INS = defineRetention(
  'secrets of sign-ins',
  0,
  emptyRows({
    ...BY_EXPIRY,
    where: 'expires_at < $1 and sealed_attempt is not null',
    set: 'sealed_attempt = null',
  }),
)

/** Over or not: whoever comes back by one of these is told no more than that it is unknown. */
export const EXPIRED_SIGN_INS = defineRetention(
  'expired sign-ins',
  'expiredMs',
  deleteRows({ ...BY_EXPIRY, where: 'expires_at < $1' }),
)
