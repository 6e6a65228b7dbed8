import { createHmac } from 'node:crypto'
import { equalInConstantTime } from '#platform/secrets/random.js'
import type { Secret } from '#platform/secrets/secret.js'
import type { SignIn } from './sign-in.entity.js'

/** The cookie that ties a sign-in to one browser. */
export const cookieName = (signInId: string, secure: boolean) => `${secure ? '__Host-' : ''}mandate-${signInId}`

/**
 * Keyed with the cookie, which only this browser has; good for one departure, because each has a state of its own and the
 * token holds the one before.
 */
export const csrfToken = (cookie: Secret<string>, { id, step, stateHash }: SignIn): string =>
  createHmac('sha256', cookie.reveal())
    .update(`sign-in form\n${id}\n${step}\n${stateHash ?? ''}`)
    .digest('base64url')

export const isCsrfToken = (token: string, cookie: Secret<string>, signIn: SignIn): boolean =>
  equalInConstantTime(token, csrfToken(cookie, signIn))
