import { defineRetention, deleteRows, emptyRows } from '#platform/retention/retention-rule.js'
import { CONSENT_LIFE } from './consent-journey.js'

/** For a week an old link is told that it has expired, and not that it never existed. */
const KEPT_TO_EXPLAIN = 7 * CONSENT_LIFE

const BY_EXPIRY = { table: 'consents', key: 'id', order: 'expires_at' }

/** A credential that was left behind outlives its visit by no more than the time between two passes. */
export const SECRETS_OF_CONSENTS = defineRetention(
  'secrets of consents',
  0,
  emptyRows({
    ...BY_EXPIRY,
    where: 'expires_at < $1 and (sealed_credential is not null or sealed_sign_in is not null)',
    set: 'sealed_credential = null, sealed_sign_in = null',
  }),
)

export const EXPIRED_CONSENTS = defineRetention(
  'expired consents',
  KEPT_TO_EXPLAIN,
  deleteRows({ ...BY_EXPIRY, where: 'expires_at < $1' }),
)
