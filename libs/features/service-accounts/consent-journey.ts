import { hours, minutes } from '#platform/clock/clock.js'

/**
 * One administrator's way through the pages. A consent has one step, and moves by one conditional update on it, so that
 * of two answers to the same page the second changes nothing.
 *
 * `choosing`: nothing is known but who asks. `preparing`: a provider is chosen, and whose credential; the administrator
 * is at the Admin console, at the provider's sign-in, or filling in a form. `checking`: we know what to try, because
 * the administrator signed in or gave a credential. `deciding`: a check has passed, and the organisation is proven.
 * Going back is allowed at any time, and forgets what was found out under the old choice.
 *
 * `allowed` and `denied` are final. Expiry is not a step: a consent whose time is over moves nowhere.
 */
export const CONSENT_MOVES = {
  choosing: ['preparing', 'denied'],
  preparing: ['preparing', 'checking', 'denied'],
  checking: ['preparing', 'checking', 'deciding', 'denied'],
  deciding: ['preparing', 'checking', 'deciding', 'allowed', 'denied'],
  allowed: [],
  denied: [],
} as const satisfies Record<string, readonly string[]>

export type ConsentStep = keyof typeof CONSENT_MOVES

const STEPS = Object.keys(CONSENT_MOVES) as ConsentStep[]

export const stepsBefore = (to: ConsentStep): ConsentStep[] =>
  STEPS.filter((from) => (CONSENT_MOVES[from] as readonly ConsentStep[]).includes(to))

export const isOver = (step: ConsentStep) => CONSENT_MOVES[step].length === 0

/** An administrator may have to wait a day for Google, or for a colleague. */
export const CONSENT_LIFE = hours(24)

/** From leaving for the provider to coming back. */
export const PROVIDER_RETURN_LIFE = hours(1)

/** A check older than this is made again before anybody decides on it: rights may have been taken away meanwhile. */
export const CHECK_LIFE = hours(1)

/** A second click on Allow or Deny abandons the answer to the first; within this time it gets an answer of its own. */
export const REPEAT_LIFE = minutes(1)
