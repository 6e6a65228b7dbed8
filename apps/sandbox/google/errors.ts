import type { Answer } from '../core/answer.js'
import { Refused } from '../core/answer.js'
import type { NamedError } from '../core/fault-rules.js'

/**
 * Google's refusals, word for word, by the key that a broker would give them; what comes after a slash is another text
 * of the same refusal. The handlers throw these, and fault rules send them: there is one place where a body is written.
 */

const onToken = (status: number, error: string, description?: string): NamedError => ({
  path: '/token',
  status,
  json: description === undefined ? { error } : { error, error_description: description },
})

interface ApiFacts {
  message: string
  reason: string
  domain?: string
  /** Message of the inner error, where it differs. */
  inner?: string
  /** Name of the gRPC status, which only newer front ends send. */
  grpc?: string
  /** `google.rpc.ErrorInfo`'s reason. */
  detail?: string
  headers?: Record<string, string>
}

const onApi = (path: string, status: number, facts: ApiFacts): NamedError => ({
  path,
  status,
  headers: { vary: 'Origin, X-Origin, Referer', ...facts.headers },
  json: {
    error: {
      code: status,
      message: facts.message,
      errors: [{ message: facts.inner ?? facts.message, domain: facts.domain ?? 'global', reason: facts.reason }],
      ...(facts.grpc && { status: facts.grpc }),
      ...(facts.detail && {
        details: [
          { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: facts.detail, domain: 'googleapis.com' },
        ],
      }),
    },
  },
})

const onCalendar = (status: number, facts: ApiFacts) => onApi('/calendar/*', status, facts)
const onDirectory = (status: number, facts: ApiFacts) => onApi('/admin/*', status, facts)

const onIam = (status: number, facts: ApiFacts) => onApi('/v1/projects/*', status, facts)

const onSts = (status: number, error: string, description: string): NamedError => ({
  path: '/v1/token',
  status,
  json: { error, error_description: description },
})

const limit = (status: number, reason: string, message: string) =>
  onCalendar(status, { message, reason, domain: 'usageLimits' })

const htmlPage = (status: number, title: string) =>
  `<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error ${status} (${title})!!1</title>\n  <p><b>${status}.</b> <ins>That’s an error.</ins>\n  <p>The server encountered a temporary error and could not complete your request.<p>Please try again in 30 seconds. <ins>That’s all we know.</ins>\n`

const NO_CREDENTIALS =
  'Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.'

export const GOOGLE_ERRORS = {
  // The token endpoint, JWT-bearer grant.
  'google.delegation_missing': onToken(
    401,
    'unauthorized_client',
    'Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.',
  ),
  'google.delegation_missing/scope_in_request': onToken(
    401,
    'unauthorized_client',
    'Unauthorized client or scope in request.',
  ),
  'google.delegation_scope_missing': onToken(403, 'access_denied', 'Requested client not authorized.'),
  'google.subject_restricted': onToken(403, 'access_denied', 'Account restricted'),
  'google.admin_policy_blocked': onToken(
    400,
    'admin_policy_enforced',
    'Access to your account data is restricted by policies within your organization.',
  ),
  'google.client_org_internal': onToken(
    403,
    'org_internal',
    'This client is restricted to users within its organization.',
  ),
  'google.subject_not_found': onToken(400, 'invalid_grant', 'Invalid email or User ID'),
  'google.subject_not_found/not_a_valid_email': onToken(400, 'invalid_grant', 'Not a valid email.'),
  'google.subject_deleted': onToken(400, 'invalid_grant', 'The account has been deleted.'),
  'google.subject_malformed': onToken(
    400,
    'invalid_request',
    'Invalid impersonation "sub" field: not an email address.',
  ),
  'google.subject_malformed/prn': onToken(400, 'invalid_request', 'Invalid impersonation prn email address.'),
  'google.credential_key_invalid': onToken(400, 'invalid_grant', 'Invalid JWT Signature.'),
  'google.credential_unknown_issuer': onToken(400, 'invalid_grant', 'Invalid grant: account not found'),
  'google.credential_unknown_issuer/no_verifier': onToken(
    400,
    'invalid_grant',
    'Invalid JWT: No valid verifier found for issuer.',
  ),
  'google.credential_disabled': onToken(401, 'disabled_client', 'The OAuth client was disabled.'),
  'google.client_deleted': onToken(401, 'deleted_client', 'The OAuth client was deleted.'),
  'google.credential_invalid': onToken(401, 'invalid_client', 'The OAuth client was not found.'),
  'google.credential_invalid/unauthorized': onToken(401, 'invalid_client', 'Unauthorized'),
  'google.clock_skew': onToken(
    400,
    'invalid_grant',
    'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
  ),
  'google.scope_invalid': onToken(400, 'invalid_scope', 'Invalid OAuth scope or ID token audience provided.'),
  'google.reauth_required': {
    path: '/token',
    status: 400,
    json: {
      error: 'invalid_grant',
      error_description: 'reauth related error (invalid_rapt)',
      error_uri: 'https://support.google.com/a/answer/9368756',
      error_subtype: 'invalid_rapt',
    },
  },
  'google.reauth_required/rapt_required': {
    path: '/token',
    status: 400,
    json: {
      error: 'invalid_grant',
      error_description: 'reauth related error (rapt_required)',
      error_uri: 'https://support.google.com/a/answer/9368756',
      error_subtype: 'rapt_required',
    },
  },
  'google.grant_rejected': onToken(400, 'invalid_grant', 'Bad Request'),
  'google.grant_rejected/audience': onToken(
    400,
    'invalid_grant',
    'Invalid JWT: Failed audience check. The right audience is https://oauth2.googleapis.com/token',
  ),
  'google.grant_rejected/malformed': onToken(400, 'invalid_grant', 'Invalid JWT: Failed to parse the assertion.'),

  // The token endpoint, people's grants.
  'oauth.code_invalid': onToken(400, 'invalid_grant', 'Bad Request'),
  'oauth.code_invalid/malformed': onToken(400, 'invalid_grant', 'Malformed auth code.'),
  'grant.revoked': onToken(400, 'invalid_grant', 'Token has been expired or revoked.'),
  'oauth.grant_type_missing': onToken(400, 'invalid_request', 'Required parameter is missing: grant_type'),
  'oauth.assertion_missing': onToken(400, 'invalid_request', 'Missing required parameter: assertion'),
  'oauth.client_id_missing': onToken(400, 'invalid_request', 'Could not determine client ID from request.'),
  'oauth.code_missing': onToken(400, 'invalid_request', 'Missing required parameter: code'),
  'oauth.refresh_token_missing': onToken(400, 'invalid_request', 'Missing required parameter: refresh_token'),
  'oauth.token_invalid': { ...onToken(400, 'invalid_token', 'Invalid Value'), path: '/tokeninfo' },
  'oauth.revoke_invalid': { ...onToken(400, 'invalid_token', 'Token expired or revoked'), path: '/revoke' },

  // Trouble, at the token endpoint unless the rule says otherwise.
  'provider.unavailable': onToken(500, 'internal_failure', 'Backend Error'),
  'provider.unavailable/no_error_field': {
    path: '/token',
    status: 500,
    json: { message: 'Internal error encountered.' },
  },
  'provider.unavailable/html': { path: '/token', status: 503, html: htmlPage(503, 'Service Unavailable') },
  'provider.unavailable/bad_gateway': { path: '/token', status: 502, html: htmlPage(502, 'Server Error') },
  'provider.throttled': onToken(429, 'rate_limit_exceeded', 'Rate Limit Exceeded'),
  'provider.throttled/retry_after': {
    ...onToken(429, 'rate_limit_exceeded', 'Rate Limit Exceeded'),
    headers: { 'retry-after': '2' },
  },

  // Acting without a key: the exchange of a platform's token, and Google's signature.
  'google.workload_identity_refused': onSts(
    400,
    'invalid_grant',
    'The given credential is rejected by the attribute condition.',
  ),
  'google.workload_identity_refused/request': onSts(400, 'invalid_request', 'Invalid value for "grant_type".'),
  'google.workload_identity_refused/target': onSts(
    400,
    'invalid_target',
    'The target service indicated by the "audience" parameters is invalid.',
  ),
  'google.workload_identity_refused/payload': onIam(400, {
    message: 'Invalid value at "payload" (TYPE_STRING)',
    reason: 'badRequest',
    grpc: 'INVALID_ARGUMENT',
  }),
  'google.token_creator_missing': onIam(403, {
    message: "Permission 'iam.serviceAccounts.signJwt' denied on resource (or it may not exist).",
    reason: 'forbidden',
    grpc: 'PERMISSION_DENIED',
    detail: 'IAM_PERMISSION_DENIED',
  }),
  'google.credential_unknown_issuer/iam': onIam(404, {
    message: 'Not found; Gaia id not found for email.',
    reason: 'notFound',
    grpc: 'NOT_FOUND',
  }),
  'google.api_disabled/iam': onIam(403, {
    message: 'IAM Service Account Credentials API has not been used in project 123456789012 before or it is disabled.',
    reason: 'accessNotConfigured',
    domain: 'usageLimits',
    grpc: 'PERMISSION_DENIED',
    detail: 'SERVICE_DISABLED',
  }),

  // Calendar and Directory.
  'provider.token_rejected': onApi('/calendar/*', 401, {
    message: `Request had invalid authentication credentials. ${NO_CREDENTIALS}`,
    inner: 'Invalid Credentials',
    reason: 'authError',
    grpc: 'UNAUTHENTICATED',
    headers: { 'www-authenticate': 'Bearer realm="https://accounts.google.com/", error="invalid_token"' },
  }),
  'provider.token_missing': onApi('/calendar/*', 401, {
    message: `Request is missing required authentication credential. ${NO_CREDENTIALS}`,
    inner: 'Login Required.',
    reason: 'required',
    grpc: 'UNAUTHENTICATED',
    detail: 'CREDENTIALS_MISSING',
    headers: { 'www-authenticate': 'Bearer realm="https://accounts.google.com/"' },
  }),
  'provider.throttled/rate_limit_exceeded': limit(403, 'rateLimitExceeded', 'Rate Limit Exceeded'),
  'provider.throttled/user_rate_limit_exceeded': limit(403, 'userRateLimitExceeded', 'User Rate Limit Exceeded'),
  'provider.throttled/quota_exceeded': limit(403, 'quotaExceeded', 'Calendar usage limits exceeded.'),
  'provider.throttled/daily_limit_exceeded': limit(403, 'dailyLimitExceeded', 'Daily Limit Exceeded'),
  'provider.throttled/calendar_429': limit(429, 'rateLimitExceeded', 'Rate Limit Exceeded'),
  'google.calendar_service_off': onCalendar(403, {
    message: 'The user must be signed up for Google Calendar.',
    reason: 'notACalendarUser',
  }),
  'google.scope_insufficient': onCalendar(403, {
    message: 'Request had insufficient authentication scopes.',
    inner: 'Insufficient Permission',
    reason: 'insufficientPermissions',
    grpc: 'PERMISSION_DENIED',
    detail: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
    headers: { 'www-authenticate': 'Bearer realm="https://accounts.google.com/", error="insufficient_scope"' },
  }),
  'google.api_disabled': onCalendar(403, {
    message:
      'Google Calendar API has not been used in project 123456789012 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/calendar-json.googleapis.com/overview?project=123456789012 then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.',
    reason: 'accessNotConfigured',
    domain: 'usageLimits',
    grpc: 'PERMISSION_DENIED',
    detail: 'SERVICE_DISABLED',
  }),
  'google.directory_admin_required': onDirectory(403, {
    message: 'Not Authorized to access this resource/api',
    reason: 'forbidden',
  }),
  'google.domain_policy': onDirectory(403, {
    message: 'The domain administrators have disabled Drive apps.',
    reason: 'domainPolicy',
  }),
  'google.domain_policy/cannot_use_apis': onDirectory(403, {
    message: 'Domain cannot use apis.',
    reason: 'domainCannotUseApis',
  }),
  'google.not_found': onCalendar(404, { message: 'Not Found', reason: 'notFound' }),
  'google.not_found/user': onDirectory(404, { message: 'Resource Not Found: userKey', reason: 'notFound' }),
  'google.not_found/customer': onDirectory(404, { message: 'Resource Not Found: customer', reason: 'notFound' }),
  'google.not_found/domain': onDirectory(404, { message: 'Domain not found.', reason: 'notFound' }),
  'google.not_found/resource': onDirectory(404, { message: 'Resource Not Found: resourceId', reason: 'notFound' }),
  'google.not_found/user_not_found': onDirectory(404, { message: 'User not found', reason: 'userNotFound' }),
  'google.not_found/resource_not_found': onDirectory(404, {
    message: 'Resource not found',
    reason: 'resourceNotFound',
  }),
  'google.not_found/deleted': onCalendar(410, { message: 'Resource has been deleted', reason: 'deleted' }),
  'google.mail_service_off': onCalendar(400, {
    message: 'Precondition check failed.',
    reason: 'failedPrecondition',
    grpc: 'FAILED_PRECONDITION',
  }),
  'provider.unavailable/backend_error': onCalendar(503, { message: 'Backend Error', reason: 'backendError' }),
} satisfies Record<string, NamedError>

export type GoogleErrorKey = keyof typeof GOOGLE_ERRORS

export const refusal = (key: GoogleErrorKey) => new Refused(GOOGLE_ERRORS[key])

export const badRequest = (message = 'Bad Request', reason = 'badRequest') =>
  new Refused(badRequestAnswer(message, reason))

const badRequestAnswer = (message: string, reason: string): Answer => {
  const { path: _path, ...answer } = onApi('', 400, { message, reason })
  return answer
}

export const unsupportedGrantType = (grantType: string) =>
  new Refused(onToken(400, 'unsupported_grant_type', `Invalid grant_type: ${grantType}`))

/** What Google's front end says for a path that no service has. */
export const unknownPath = (): Answer => ({
  status: 404,
  html: '<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error 404 (Not Found)!!1</title>\n  <p><b>404.</b> <ins>That’s an error.</ins>\n  <p>The requested URL was not found on this server. <ins>That’s all we know.</ins>\n',
})
