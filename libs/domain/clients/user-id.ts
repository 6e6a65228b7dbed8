import { isStorable } from '#platform/database/is-storable.js'

const LONGEST_USER_ID = 255

/**
 * What a client may call its user. It is stored, compared, put on record and printed at a terminal: no control characters,
 * which a terminal would obey, and nothing that PostgreSQL cannot hold.
 */
export const isUserId = (value: unknown): value is string =>
  typeof value === 'string' &&
  value.length > 0 &&
  value.length <= LONGEST_USER_ID &&
  !/\p{Cc}/u.test(value) &&
  isStorable(value)

/** Completes "your own id of the user …". */
export const USER_ID_RULE = `must be a string of 1 to ${LONGEST_USER_ID} characters, without control characters`
