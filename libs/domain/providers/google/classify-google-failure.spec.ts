import { ProviderError } from '#platform/errors/provider-error.js'
import { classifyGoogleAnswer, classifyGoogleReturn, type GooglePhase } from './classify-google-failure.js'
import type { GoogleErrorKey } from './google-errors.js'

const NOW = new Date('2026-11-21T10:00:00Z')
const SECRET = 'ya29.a0AfB_byC-this-is-a-token-that-must-not-be-kept'

const answer = (status: number, json: unknown, headers: Record<string, string> = {}) => ({ status, json, headers })
const classify = (refused: ReturnType<typeof answer>, phase: GooglePhase = 'token') =>
  classifyGoogleAnswer(refused, phase, NOW)
const oauth = (error: string, error_description?: string) => ({ error, error_description })
const api = (code: number, reason: string, message = 'No', status?: string) => ({
  error: { code, message, errors: [{ domain: 'global', reason, message }], status },
})

type Row = [
  key: GoogleErrorKey,
  kind: 'permanent' | 'fatal' | 'retry',
  effect: 'mailbox' | 'connection' | 'operator',
  status: number,
  error: string,
  description?: string,
]

/** Each cell must be there: jest takes a missing one for its `done`. */
const complete = ([key, kind, effect, status, error, says = '']: Row) =>
  [key, kind, effect, status, error, says] as const

const NOT_FOR_SCOPES =
  'Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.'
const SHORT_LIVED =
  'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.'

const TOKEN_ROWS: Row[] = [
  ['google.delegation_missing', 'permanent', 'connection', 401, 'unauthorized_client', NOT_FOR_SCOPES],
  [
    'google.delegation_missing',
    'permanent',
    'connection',
    401,
    'unauthorized_client',
    'Unauthorized client or scope in request.',
  ],
  [
    'google.delegation_scope_missing',
    'permanent',
    'connection',
    403,
    'access_denied',
    'Requested client not authorized.',
  ],
  ['google.subject_restricted', 'permanent', 'mailbox', 403, 'access_denied', 'Account restricted'],
  ['google.admin_policy_blocked', 'permanent', 'connection', 400, 'admin_policy_enforced', 'anything'],
  [
    'google.client_org_internal',
    'permanent',
    'connection',
    403,
    'org_internal',
    'This client is restricted to users within its organization.',
  ],
  ['google.subject_not_found', 'permanent', 'mailbox', 400, 'invalid_grant', 'Invalid email or User ID'],
  ['google.subject_not_found', 'permanent', 'mailbox', 400, 'invalid_grant', 'Not a valid email.'],
  ['google.subject_deleted', 'permanent', 'mailbox', 400, 'invalid_grant', 'The account has been deleted.'],
  [
    'google.subject_malformed',
    'permanent',
    'mailbox',
    400,
    'invalid_request',
    'Invalid impersonation "sub" field: not an email.',
  ],
  [
    'google.subject_malformed',
    'permanent',
    'mailbox',
    400,
    'invalid_request',
    'Invalid impersonation prn email address.',
  ],
  ['google.credential_key_invalid', 'fatal', 'connection', 400, 'invalid_grant', 'Invalid JWT Signature.'],
  [
    'google.credential_unknown_issuer',
    'fatal',
    'connection',
    400,
    'invalid_grant',
    'Invalid JWT: No valid verifier found for issuer.',
  ],
  ['google.credential_unknown_issuer', 'fatal', 'connection', 400, 'invalid_grant', 'Invalid grant: account not found'],
  ['google.credential_disabled', 'permanent', 'connection', 401, 'disabled_client', 'The OAuth client was disabled.'],
  ['google.client_deleted', 'fatal', 'connection', 401, 'deleted_client', 'The OAuth client was deleted.'],
  ['google.credential_invalid', 'fatal', 'connection', 401, 'invalid_client', 'The OAuth client was not found.'],
  ['google.credential_invalid', 'fatal', 'connection', 401, 'invalid_client', 'Unauthorized'],
  ['google.clock_skew', 'retry', 'operator', 400, 'invalid_grant', SHORT_LIVED],
  [
    'google.scope_invalid',
    'permanent',
    'operator',
    400,
    'invalid_scope',
    'Invalid OAuth scope or ID token audience provided.',
  ],
  ['google.reauth_required', 'permanent', 'mailbox', 400, 'invalid_grant', 'reauth related error (invalid_rapt)'],
  ['google.reauth_required', 'permanent', 'mailbox', 400, 'invalid_grant', 'reauth related error (rapt_required)'],
  ['provider.unavailable', 'retry', 'connection', 500, 'internal_failure', 'Backend Error'],
  ['provider.throttled', 'retry', 'connection', 429, 'rate_limit_exceeded', 'Rate Limit Exceeded'],
  ['provider.throttled', 'retry', 'connection', 403, 'rate_limit_exceeded'],
  ['google.grant_rejected', 'permanent', 'mailbox', 400, 'invalid_grant', 'Bad Request'],
  ['google.grant_rejected', 'permanent', 'mailbox', 400, 'never_heard_of', 'Something new'],
  ['provider.unavailable', 'retry', 'connection', 503, 'never_heard_of', 'Something new'],
]

const API_ROWS: Row[] = [
  ['provider.token_rejected', 'permanent', 'mailbox', 401, 'authError', 'Invalid Credentials'],
  ['provider.throttled', 'retry', 'connection', 403, 'rateLimitExceeded'],
  ['provider.throttled', 'retry', 'connection', 403, 'userRateLimitExceeded'],
  ['provider.throttled', 'retry', 'connection', 403, 'quotaExceeded'],
  ['provider.throttled', 'retry', 'connection', 403, 'dailyLimitExceeded'],
  ['provider.throttled', 'retry', 'connection', 429, 'anything'],
  ['google.calendar_service_off', 'permanent', 'mailbox', 403, 'notACalendarUser'],
  ['google.scope_insufficient', 'permanent', 'connection', 403, 'insufficientPermissions'],
  ['google.scope_insufficient', 'permanent', 'connection', 403, 'ACCESS_TOKEN_SCOPE_INSUFFICIENT'],
  ['google.api_disabled', 'permanent', 'operator', 403, 'accessNotConfigured'],
  ['google.api_disabled', 'permanent', 'operator', 403, 'SERVICE_DISABLED'],
  [
    'google.directory_admin_required',
    'permanent',
    'connection',
    403,
    'forbidden',
    'Not Authorized to access this resource/api',
  ],
  ['google.request_refused', 'permanent', 'mailbox', 403, 'forbidden', 'Forbidden'],
  ['google.domain_policy', 'permanent', 'connection', 403, 'domainPolicy'],
  ['google.domain_policy', 'permanent', 'connection', 403, 'domainCannotUseApis'],
  ['google.not_found', 'permanent', 'mailbox', 404, 'notFound'],
  ['google.not_found', 'permanent', 'mailbox', 404, 'userNotFound'],
  ['google.not_found', 'permanent', 'mailbox', 404, 'resourceNotFound'],
  ['google.not_found', 'permanent', 'mailbox', 410, 'deleted'],
  ['google.mail_service_off', 'permanent', 'mailbox', 400, 'failedPrecondition', 'Precondition check failed.'],
  ['provider.unavailable', 'retry', 'connection', 503, 'backendError'],
  ['google.request_refused', 'permanent', 'mailbox', 400, 'neverHeardOf'],
]

describe('a failure at Google', () => {
  it.each(TOKEN_ROWS.map(complete))(
    'of the token endpoint is %s (%s, %s): %d %s %s',
    (key, kind, effect, status, error, says) => {
      const { facts } = classify(answer(status, oauth(error, says)))
      expect(facts).toMatchObject({ provider: 'google', key, class: kind, effect })
    },
  )

  it.each(API_ROWS.map(complete))('of an API is %s (%s, %s): %d %s %s', (key, kind, effect, status, reason, says) => {
    const { facts } = classify(answer(status, api(status, reason, says)), 'api')
    expect(facts).toMatchObject({ provider: 'google', key, class: kind, effect })
  })

  it('is matched with and without a final period, in any case', () => {
    for (const says of ['INVALID JWT SIGNATURE', 'Invalid JWT Signature.', 'invalid jwt signature. '])
      expect(classify(answer(400, oauth('invalid_grant', says))).code).toBe('google.credential_key_invalid')
  })

  it('is read from the newer error bodies too', () => {
    const details = {
      error: { code: 403, message: 'No', status: 'PERMISSION_DENIED', details: [{ reason: 'SERVICE_DISABLED' }] },
    }
    expect(classify(answer(403, details), 'api').code).toBe('google.api_disabled')
    expect(classify(answer(401, { error: { code: 401, status: 'UNAUTHENTICATED' } }), 'api').code).toBe(
      'provider.token_rejected',
    )
    expect(classify(answer(400, { error: 'invalid_grant', error_subtype: 'invalid_rapt' })).code).toBe(
      'google.reauth_required',
    )
  })

  it.each([
    ['no JSON', undefined],
    ['JSON without an error', { message: 'Internal error encountered.' }],
  ])('with %s is no answer, so it is tried again', (_, body) => {
    expect(classify(answer(502, body)).facts.class).toBe('retry')
    expect(classify(answer(404, body), 'api').facts).toMatchObject({
      key: 'provider.unavailable',
      class: 'retry',
    })
  })

  it('waits as long as Google asks', () => {
    const asked = (value: string) => classify(answer(429, oauth('rate_limit_exceeded'), { 'retry-after': value })).retry
    expect(asked('17')).toEqual({ after: 17 })
    expect(asked('Sat, 21 Nov 2026 10:00:40 GMT')).toEqual({ after: 40 })
    expect(asked('999999')).toEqual({ after: 3600 })
  })

  it('keeps no token', () => {
    const error = classify(answer(400, oauth('invalid_grant', `Bad ${SECRET}`)))
    expect(error.cause).toBeUndefined()
    expect(JSON.stringify([error.message, error.detail, error.publicText, error.facts])).not.toContain(SECRET)
    expect(error.publicText).not.toContain('Bad')
  })
})

describe('a code that Google does not take', () => {
  it.each([
    ['oauth.code_invalid', 'invalid_grant', 'Malformed auth code.'],
    ['oauth.code_invalid', 'invalid_grant', 'Bad Request'],
    ['google.sign_in_misconfigured', 'invalid_client', 'The OAuth client was not found.'],
    ['google.sign_in_misconfigured', 'deleted_client', 'The OAuth client was deleted.'],
    ['google.sign_in_misconfigured', 'unauthorized_client', 'Unauthorized'],
    ['google.sign_in_misconfigured', 'redirect_uri_mismatch', 'Bad Request'],
    ['google.client_org_internal', 'org_internal', ''],
  ])('is %s: %s %s', (key, error, says) => {
    expect(classify(answer(400, oauth(error, says)), 'code').code).toBe(key)
  })
})

describe('a browser that Google sent back with an error', () => {
  it.each([
    ['access_denied', 'google.sign_in_declined'],
    ['admin_policy_enforced', 'google.admin_policy_blocked'],
    ['org_internal', 'google.client_org_internal'],
    ['deleted_client', 'google.sign_in_misconfigured'],
    ['made_up', 'google.sign_in_misconfigured'],
  ])('with %s means %s', (error, key) => {
    const refusal = classifyGoogleReturn(error, '')
    expect(refusal).toBeInstanceOf(ProviderError)
    expect(refusal.code).toBe(key)
  })
})
