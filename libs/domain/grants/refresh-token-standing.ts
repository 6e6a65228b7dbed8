import { after, seconds } from '#platform/clock/clock.js'
import type { RefreshTokenSettings } from '#platform/config/settings.js'
import type { Grant } from './grant.entity.js'
import type { RefreshToken } from './token.entity.js'

/** A client whose answer was lost may use the token before the newest once more within this time. */
export const REFRESH_GRACE = seconds(60)

export type Standing = { kind: 'good'; until: Date } | { kind: 'expired' } | { kind: 'replayed' }

/**
 * What a refresh token of a live grant is worth now. The newest generation is good; so is the one before it, as a
 * sibling that a parallel refresh got and never used, or within the grace period after its first use. Everything else
 * has been used up by somebody, and its use is a replay (RFC 9700 section 4.14).
 */
export function standingOf(
  token: Pick<RefreshToken, 'generation' | 'createdAt' | 'usedAt'>,
  grant: Pick<Grant, 'refreshGeneration' | 'createdAt'>,
  now: Date,
  settings: RefreshTokenSettings,
): Standing {
  const graceEnd = token.usedAt ? after(token.usedAt, REFRESH_GRACE) : null
  const age = grant.refreshGeneration - token.generation
  if (age > 1 || (age === 1 && graceEnd && graceEnd <= now)) return { kind: 'replayed' }

  const { idleLifeMs, longestLifeMs } = settings
  const ends = [
    after(token.createdAt, idleLifeMs),
    ...(longestLifeMs === null ? [] : [after(grant.createdAt, longestLifeMs)]),
    ...(age === 1 && graceEnd ? [graceEnd] : []),
  ]
  const until = new Date(Math.min(...ends.map((end) => end.getTime())))
  return until > now ? { kind: 'good', until } : { kind: 'expired' }
}
