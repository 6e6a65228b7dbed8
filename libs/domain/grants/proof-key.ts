import { createHash } from 'node:crypto'
import { equalInConstantTime } from '#platform/secrets/random.js'

/** RFC 7636 section 4.1: 43 to 128 unreserved characters. */
export const isCodeVerifier = (text: string) => /^[\w.~-]{43,128}$/.test(text)

/** What S256 makes of a verifier: a SHA-256 digest in base64url. Anything else no verifier could ever match. */
export const isCodeChallenge = (text: string) => /^[\w-]{43}$/.test(text)

/**
 * Why a code may not be exchanged with this verifier, or without one; null when it may. A verifier for a code without a
 * challenge means that somebody took the challenge out of the request on its way (RFC 9700 section 4.8.2).
 */
export function proofKeyProblem(challenge: string | null | undefined, verifier: string | undefined): string | null {
  if (!challenge) return verifier === undefined ? null : 'a code_verifier for a code without code_challenge'
  if (verifier === undefined) return 'the code_verifier is missing'
  return equalInConstantTime(challengeOf(verifier), challenge) ? null : 'the code_verifier does not match'
}

const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')
