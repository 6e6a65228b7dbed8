import { defineRetention, deleteRows } from '#platform/retention/retention-rule.js'

/** A client has two secrets of each kind, and those that it has rotated away this month: too few rows for an index. */
const expiredIn = (table: 'client_secrets' | 'user_token_secrets') =>
  deleteRows({ table, key: 'id', where: 'expires_at < $1', order: 'expires_at' })

/** They open nothing from the moment they expire, and need not lie here sealed for ever. */
export const EXPIRED_SECRETS = [
  defineRetention('expired client secrets', 'expiredMs', expiredIn('client_secrets')),
  defineRetention('expired user-token secrets', 'expiredMs', expiredIn('user_token_secrets')),
]
