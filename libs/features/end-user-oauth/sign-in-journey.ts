import { minutes } from '#platform/clock/clock.js'

/**
 * One person's way to the provider and back. A sign-in has one step, and moves by one conditional update on it, so that of
 * two browsers that come back with the same state the second changes nothing.
 *
 * `choosing`: the person picks a provider on our page. `away`: the browser is at the provider. `finishing`: it came back, and
 * whoever moved it here asks the provider who it is; where the person has to go once more, it is `away` again, under a new
 * state. `handed-over`: all is known, and the account is connected when the client hands in the code that it was given.
 *
 * `connected` and `ended` are final. Expiry is not a step: a sign-in whose time is over moves nowhere but to `ended`, by whoever
 * notices first (`SignIns.end`).
 */
const SIGN_IN_MOVES = {
  choosing: ['away', 'ended'],
  away: ['away', 'finishing', 'ended'],
  finishing: ['away', 'handed-over', 'connected', 'ended'],
  'handed-over': ['connected', 'ended'],
  connected: [],
  ended: [],
} as const satisfies Record<string, readonly string[]>

export type SignInStep = keyof typeof SIGN_IN_MOVES

export const mayMove = (from: SignInStep, to: SignInStep) => (SIGN_IN_MOVES[from] as readonly SignInStep[]).includes(to)

/** Long enough for a second factor and a forgotten password; short, because whoever has the link may use it. */
export const SIGN_IN_LIFE = minutes(20)

/** How long the client has to hand in its code (RFC 6749 section 4.1.2 recommends ten minutes at most). */
export const HAND_OVER_LIFE = minutes(10)
