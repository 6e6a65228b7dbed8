import { ApiError } from '#platform/errors/api-error.js'

/** The broker will not pass this call on, whatever the provider would say. `detail` is for the log: never an address. */
export const notAdmitted = (detail: string, publicText: string) =>
  new ApiError({ code: 'not_admitted', status: 403, publicText, detail })

/** 403 and not 405: the contract has no 405, and the same call with another token would end no better. */
export const methodNotAllowed = (allowed: readonly string[]) =>
  new ApiError({
    code: 'method_not_allowed',
    status: 403,
    publicText: `Here the proxy passes ${allowed.join(' and ')}, and nothing else.`,
  })

interface Failure {
  retryAfter?: number
  cause?: unknown
}

/** The provider answered, but with nothing that could be passed back. */
export const providerFailed = (publicText: string, more: Failure = {}) =>
  new ApiError({ code: 'provider.unavailable', status: 503, publicText, logLevel: 'warn', retry: 'later', ...more })

export const answerLost = (more: Failure) =>
  providerFailed('The provider is having trouble and did not answer properly.', more)

/** Nothing here sends it again: it may have been done. */
export const outcomeUnknown = (more: Failure) =>
  providerFailed(
    'The provider did not answer properly. Whether it has done this is not known: look before you ask again.',
    more,
  )

/** Nobody reads this answer any more. */
export const callerLeft = () =>
  new ApiError({ code: 'caller_left', status: 503, publicText: 'The caller went away.', logLevel: 'debug' })
