import type { ProviderError } from '#platform/errors/provider-error.js'
import { retryAfterSeconds } from '#platform/http/retry-after.js'
import { forTheLog } from '../provider-errors.js'
import type { ProviderAnswer } from '../provider-http.js'
import { type GoogleErrorKey, googleError } from './google-errors.js'

/**
 * Where it happened: the service account's token, a person's authorization code or refresh token, the taking back of
 * either, an API, Google's signature for a service account without keys, or this installation's own identity.
 */
export type GooglePhase = 'token' | 'code' | 'refresh' | 'revoke' | 'api' | 'sign' | 'identity'

interface Row {
  phase?: GooglePhase
  /** OAuth `error`, or the API's `reason` or `status`. */
  error: string
  /** Beginnings of the description, lower case; any description when absent. */
  says?: readonly string[]
  key: GoogleErrorKey
}

/** The organisation's session policy. */
const REAUTH = ['reauth related error', 'invalid_rapt', 'rapt_required']

/** In order: the first row that fits decides. The texts are those seen in the field; Google does not promise them. */
const GOOGLE_ROWS: readonly Row[] = [
  { error: 'rate_limit_exceeded', key: 'provider.throttled' },
  { error: 'rateLimitExceeded', key: 'provider.throttled' },
  { error: 'userRateLimitExceeded', key: 'provider.throttled' },
  { error: 'quotaExceeded', key: 'provider.throttled' },
  { error: 'dailyLimitExceeded', key: 'provider.throttled' },
  { error: 'internal_failure', key: 'provider.unavailable' },
  { error: 'backendError', key: 'provider.unavailable' },

  { phase: 'code', error: 'invalid_grant', key: 'oauth.code_invalid' },
  { phase: 'code', error: 'invalid_client', key: 'google.sign_in_misconfigured' },
  { phase: 'code', error: 'unauthorized_client', key: 'google.sign_in_misconfigured' },
  { phase: 'code', error: 'deleted_client', key: 'google.sign_in_misconfigured' },
  { phase: 'code', error: 'disabled_client', key: 'google.sign_in_misconfigured' },
  { phase: 'code', error: 'redirect_uri_mismatch', key: 'google.sign_in_misconfigured' },
  { phase: 'code', error: 'access_denied', key: 'google.sign_in_declined' },

  { phase: 'refresh', error: 'invalid_grant', says: REAUTH, key: 'google.reauth_required' },
  { phase: 'refresh', error: 'invalid_grant', key: 'grant.revoked' },
  { phase: 'refresh', error: 'invalid_client', key: 'google.sign_in_misconfigured' },
  { phase: 'refresh', error: 'unauthorized_client', key: 'google.sign_in_misconfigured' },
  { phase: 'refresh', error: 'deleted_client', key: 'google.sign_in_misconfigured' },
  { phase: 'refresh', error: 'disabled_client', key: 'google.sign_in_misconfigured' },
  { phase: 'revoke', error: 'invalid_token', key: 'grant.revoked' },

  { phase: 'sign', error: 'SERVICE_DISABLED', key: 'google.api_disabled' },
  { phase: 'sign', error: 'PERMISSION_DENIED', key: 'google.token_creator_missing' },
  { phase: 'sign', error: 'NOT_FOUND', key: 'google.credential_unknown_issuer' },
  { phase: 'sign', error: 'UNAUTHENTICATED', key: 'google.workload_identity_refused' },
  { phase: 'identity', error: 'PERMISSION_DENIED', key: 'google.token_creator_missing' },
  { phase: 'identity', error: 'NOT_FOUND', key: 'google.credential_unknown_issuer' },
  { phase: 'identity', error: 'invalid_grant', key: 'google.workload_identity_refused' },
  { phase: 'identity', error: 'unauthorized_client', key: 'google.workload_identity_refused' },

  { error: 'unauthorized_client', key: 'google.delegation_missing' },
  { error: 'access_denied', says: ['account restricted'], key: 'google.subject_restricted' },
  { error: 'access_denied', says: ['requested client not authorized'], key: 'google.delegation_scope_missing' },
  { error: 'admin_policy_enforced', key: 'google.admin_policy_blocked' },
  { error: 'org_internal', key: 'google.client_org_internal' },
  { error: 'invalid_grant', says: ['invalid email or user id', 'not a valid email'], key: 'google.subject_not_found' },
  { error: 'invalid_grant', says: ['the account has been deleted'], key: 'google.subject_deleted' },
  { error: 'invalid_request', says: ['invalid impersonation'], key: 'google.subject_malformed' },
  { error: 'invalid_grant', says: ['invalid jwt signature'], key: 'google.credential_key_invalid' },
  {
    error: 'invalid_grant',
    says: [
      'invalid jwt: no valid verifier',
      'no valid verifier',
      'invalid grant: account not found',
      'account not found',
    ],
    key: 'google.credential_unknown_issuer',
  },
  { error: 'invalid_grant', says: ['invalid jwt: token must be a short-lived token'], key: 'google.clock_skew' },
  { error: 'invalid_grant', says: REAUTH, key: 'google.reauth_required' },
  { error: 'invalid_grant', key: 'google.grant_rejected' },
  { error: 'disabled_client', key: 'google.credential_disabled' },
  { error: 'deleted_client', key: 'google.client_deleted' },
  { error: 'invalid_client', key: 'google.credential_invalid' },
  { error: 'invalid_scope', key: 'google.scope_invalid' },

  { phase: 'api', error: 'notACalendarUser', key: 'google.calendar_service_off' },
  { phase: 'api', error: 'insufficientPermissions', key: 'google.scope_insufficient' },
  { phase: 'api', error: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT', key: 'google.scope_insufficient' },
  { phase: 'api', error: 'accessNotConfigured', key: 'google.api_disabled' },
  { phase: 'api', error: 'SERVICE_DISABLED', key: 'google.api_disabled' },
  { phase: 'api', error: 'forbidden', says: ['not authorized to access this'], key: 'google.directory_admin_required' },
  { phase: 'api', error: 'domainPolicy', key: 'google.domain_policy' },
  { phase: 'api', error: 'domainCannotUseApis', key: 'google.domain_policy' },
  { phase: 'api', error: 'notFound', key: 'google.not_found' },
  { phase: 'api', error: 'userNotFound', key: 'google.not_found' },
  { phase: 'api', error: 'resourceNotFound', key: 'google.not_found' },
  { phase: 'api', error: 'deleted', key: 'google.not_found' },
  { phase: 'api', error: 'failedPrecondition', key: 'google.mail_service_off' },
  { phase: 'api', error: 'authError', key: 'provider.token_rejected' },
  { phase: 'api', error: 'UNAUTHENTICATED', key: 'provider.token_rejected' },
]

/** What is kept of a refusal: nothing else of the answer goes further than `read`. */
interface Refusal {
  phase: GooglePhase
  status: number
  /** False for an HTML page or an empty body: something stood between us and Google's own service. */
  readable: boolean
  errors: string[]
  description: string
}

/** What an answer means that is not the one that was asked for. */
export function classifyGoogleAnswer(answer: ProviderAnswer, phase: GooglePhase, now: Date): ProviderError {
  const refusal = read(answer, phase)
  const { status, errors, description } = refusal
  const detail = forTheLog({ phase, status, error: errors.join(','), said: description })
  return googleError(keyOf(refusal), { detail, retryAfter: retryAfterSeconds(answer.headers['retry-after'], now) })
}

/**
 * @param caught by Google's library while it asked our own platform for a token, or Google to exchange it. Its errors hold
 * those tokens, so nothing but the answer's own words is kept.
 */
export function classifyIdentityFailure(caught: unknown, now: Date): ProviderError {
  const { response, code } = caught as {
    response?: { status: number; headers: Headers; data: unknown }
    code?: unknown
  }
  if (!response)
    return googleError('google.workload_identity_unreadable', { detail: forTheLog({ code: String(code) }) })
  const headers = Object.fromEntries(response.headers)
  return classifyGoogleAnswer({ status: response.status, headers, json: response.data }, 'identity', now)
}

/** For the browser's way back from Google, where the error is two query parameters. */
export const classifyGoogleReturn = (error: string, description: string): ProviderError =>
  googleError(keyOf({ phase: 'code', status: 400, readable: true, errors: [error], description }), {
    detail: forTheLog({ phase: 'return', error, said: description }),
  })

function keyOf({ phase, status, readable, errors, description }: Refusal): GoogleErrorKey {
  if (status === 429) return 'provider.throttled'
  const said = description.toLowerCase().replace(/\.\s*$/, '')
  const row = GOOGLE_ROWS.find(
    (row) =>
      errors.includes(row.error) &&
      (row.phase ?? phase) === phase &&
      (row.says?.some((beginning) => said.startsWith(beginning)) ?? true),
  )
  if (row) return row.key
  if (status >= 500 || !readable) return 'provider.unavailable'
  return phase === 'api' ? fromStatus(status) : UNKNOWN[phase]
}

/** What no row names. */
const UNKNOWN = {
  code: 'google.sign_in_misconfigured',
  token: 'google.grant_rejected',
  refresh: 'google.grant_rejected',
  revoke: 'google.request_refused',
  sign: 'google.workload_identity_refused',
  identity: 'google.workload_identity_refused',
} as const satisfies Partial<Record<GooglePhase, GoogleErrorKey>>

function fromStatus(status: number): GoogleErrorKey {
  if (status === 401) return 'provider.token_rejected'
  return status === 404 || status === 410 ? 'google.not_found' : 'google.request_refused'
}

interface ErrorBody {
  error?: string | ApiError
  error_description?: string
  error_subtype?: string
}
interface ApiError {
  message?: string
  status?: string
  errors?: { reason?: string }[]
  details?: { reason?: string }[]
}

function read({ status, json }: ProviderAnswer, phase: GooglePhase): Refusal {
  const { error, error_description, error_subtype } = (json ?? {}) as ErrorBody
  const about = { phase, status, readable: Boolean(error) }
  if (typeof error === 'string')
    return { ...about, errors: [error], description: error_description ?? error_subtype ?? '' }
  const reasons = [...(error?.errors ?? []), ...(error?.details ?? [])].map(({ reason }) => reason)
  const errors = [...reasons, error?.status].filter((name) => name !== undefined)
  return { ...about, errors, description: error?.message ?? '' }
}
