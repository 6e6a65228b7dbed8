const LONGEST_USER_ID = 255

/**
 * What a client may call its user. It is stored, compared, put on record and printed at a terminal: no control characters,
 * which PostgreSQL (U+0000) and terminals mind, and no lone surrogates, which are not UTF-8.
 */
export const isUserId = (value: unknown): value is string =>
  typeof value === 'string' &&
  value.length > 0 &&
  value.length <= LONGEST_USER_ID &&
  !/\p{Cc}/u.test(value) &&
  value.isWellFormed()

/** Completes "your own id of the user …". */
export const USER_ID_RULE = `must be a string of 1 to ${LONGEST_USER_ID} characters, without control characters`
