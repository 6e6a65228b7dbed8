import { BrokerError, type ErrorFacts } from './broker-error.js'

/** Everything that is not OAuth and not bad input: `{"error","error_description"}`. */
export class ApiError extends BrokerError {
  /** Seconds, sent as `Retry-After`. */
  readonly retryAfter: number | undefined
  /** What to show instead of what was shown, sent as `WWW-Authenticate`; with a 401 and none, a Bearer token. */
  readonly challenge: string | undefined

  constructor(facts: ErrorFacts & { retryAfter?: number; challenge?: string }) {
    super(facts)
    this.retryAfter = facts.retryAfter
    this.challenge = facts.challenge
  }
}

export const invalidToken = (publicText = 'The access token is missing, unknown, expired or revoked.') =>
  new ApiError({ code: 'invalid_token', status: 401, publicText })

/** @param scope the one that is missing, also named as RFC 6750 section 3 has it */
export const insufficientScope = (publicText: string, scope?: string) =>
  new ApiError({
    ...{ code: 'insufficient_scope', status: 403, publicText },
    ...(scope && { challenge: `Bearer error="insufficient_scope", scope="${scope}"` }),
  })

/** Also the answer for somebody else's id: whether it exists is not the caller's business. */
export const notFound = (what: string) =>
  new ApiError({ code: 'not_found', status: 404, publicText: `${what} does not exist, or is not yours.` })

export const conflict = (publicText: string) => new ApiError({ code: 'conflict', status: 409, publicText })

export const unavailable = (publicText: string, retryAfter?: number, cause?: unknown) =>
  new ApiError({ code: 'unavailable', status: 503, publicText, retryAfter, retry: 'later', cause })
