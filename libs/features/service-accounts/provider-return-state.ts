import { after } from '#platform/clock/clock.js'
import { equalInConstantTime, hashOf, newBearer, type RandomSource } from '#platform/secrets/random.js'
import type { AwaitedReturn, Consent } from './consent.entity.js'
import { PROVIDER_RETURN_LIFE } from './consent-journey.js'

/**
 * The `state` of our own requests to a provider: the consent's id, so that we know whose cookie to look for, and a
 * secret that is good for one return.
 */
export function newReturnState(
  consentId: string,
  purpose: AwaitedReturn['purpose'],
  { random, now }: { random: RandomSource; now: Date },
): { state: string; awaitedReturn: AwaitedReturn } {
  const state = `${consentId}.${newBearer(random)}`
  const expiresAt = after(now, PROVIDER_RETURN_LIFE).getTime()
  return { state, awaitedReturn: { purpose, stateHash: hashOf(state), expiresAt } }
}

export const consentIdIn = (state: string): string | null => /^(con_[0-9a-f]{24})\.[\w-]{32}$/.exec(state)?.[1] ?? null

export const isAwaited = (consent: Consent, state: string, now: Date) =>
  consent.awaitedReturn != null &&
  equalInConstantTime(consent.awaitedReturn.stateHash, hashOf(state)) &&
  now.getTime() < consent.awaitedReturn.expiresAt
