import { ClientAuthError, ServerError } from '@azure/msal-node'
import type { ProviderAnswer } from '../provider-http.js'
import {
  classifyGraphAnswer,
  classifyMicrosoftAnswer,
  classifyMicrosoftReturn,
  classifyMsalFailure,
} from './classify-microsoft-failure.js'
import { MICROSOFT_ERRORS, type MicrosoftErrorKey } from './microsoft-errors.js'

const NOW = new Date('2026-11-21T10:00:00Z')

const answer = (status: number, json: unknown, headers: Record<string, string> = {}): ProviderAnswer => ({
  status,
  json,
  headers,
})
const login = (status: number, json: unknown, headers?: Record<string, string>) =>
  classifyMicrosoftAnswer(answer(status, json, headers), NOW)
const graph = (status: number, json: unknown, headers?: Record<string, string>) =>
  classifyGraphAnswer(answer(status, json, headers), NOW)
const aadsts = (code: number, error: string) => ({
  error,
  error_description: `AADSTS${code}: Something.\r\nTrace ID: 1\r\nCorrelation ID: 2\r\nTimestamp: 2026-11-21 10:00:00Z`,
  error_codes: [code],
  correlation_id: 'b1d5e7f9-0213-4a68-8c9e-d7f6a5b4c3d2',
})

type Kind = 'permanent' | 'fatal' | 'retry'
type Effect = 'mailbox' | 'connection' | 'operator'
type Row = [codes: number[], error: string, key: MicrosoftErrorKey, kind: Kind, effect: Effect]

const ROWS: Row[] = [
  [[700016, 700011], 'unauthorized_client', 'microsoft.app_not_in_tenant', 'permanent', 'connection'],
  [[7000229], 'invalid_client', 'microsoft.app_not_in_tenant', 'permanent', 'connection'],
  [[65001], 'invalid_grant', 'microsoft.consent_missing', 'permanent', 'connection'],
  [[650056, 650057, 65005], 'invalid_client', 'microsoft.app_misconfigured', 'permanent', 'connection'],
  [[650052, 500011, 500014], 'invalid_resource', 'microsoft.resource_unavailable', 'permanent', 'connection'],
  [[90094, 90095, 90008], 'access_denied', 'microsoft.consent_needs_admin', 'permanent', 'connection'],
  [[7000112, 70001], 'unauthorized_client', 'microsoft.app_disabled', 'permanent', 'connection'],
  [[7000215, 70002], 'invalid_client', 'microsoft.secret_invalid', 'fatal', 'connection'],
  [[7000222], 'invalid_client', 'microsoft.secret_expired', 'fatal', 'connection'],
  [[7000218, 900144, 9001023], 'invalid_request', 'microsoft.request_malformed', 'fatal', 'operator'],
  [[700027, 7000274, 50012, 700030], 'invalid_client', 'microsoft.certificate_mismatch', 'fatal', 'connection'],
  [[700024], 'invalid_client', 'microsoft.clock_skew', 'retry', 'operator'],
  [[1000502], 'invalid_client', 'microsoft.certificate_expired', 'fatal', 'connection'],
  [[7000214, 7000277], 'invalid_client', 'microsoft.certificate_revoked', 'fatal', 'connection'],
  [[700213, 700211, 700212], 'invalid_client', 'microsoft.federation_mismatch', 'permanent', 'operator'],
  [[700025], 'invalid_client', 'microsoft.app_public_client', 'fatal', 'connection'],
  [[90002, 900023, 90019], 'invalid_request', 'microsoft.tenant_not_found', 'permanent', 'connection'],
  [[90038, 900382, 900432], 'invalid_request', 'microsoft.wrong_cloud', 'permanent', 'connection'],
  [[70011, 28002, 700022, 700023, 1002012], 'invalid_scope', 'microsoft.scope_invalid', 'fatal', 'operator'],
  [
    [53003, 530032, 530035, 53000, 53001, 53002, 53011],
    'invalid_grant',
    'microsoft.blocked_by_policy',
    'permanent',
    'connection',
  ],
  [[50034, 51004, 50020, 16000, 50014], 'invalid_grant', 'microsoft.user_not_in_tenant', 'permanent', 'mailbox'],
  [[50057], 'invalid_grant', 'microsoft.user_disabled', 'permanent', 'mailbox'],
  [[50105], 'invalid_grant', 'microsoft.user_not_assigned', 'permanent', 'mailbox'],
  [
    [50076, 50079, 50072, 50074, 50078, 50158],
    'interaction_required',
    'microsoft.interaction_required',
    'permanent',
    'mailbox',
  ],
  [
    [50173, 70000, 70008, 700082, 700084, 70043, 50089, 50132, 50133],
    'invalid_grant',
    'grant.revoked',
    'permanent',
    'mailbox',
  ],
  [[54005, 501481, 700005, 70004, 50011], 'invalid_grant', 'oauth.code_invalid', 'permanent', 'mailbox'],
  [[65004], 'access_denied', 'microsoft.consent_declined', 'permanent', 'connection'],
  [[50194], 'invalid_request', 'microsoft.app_single_tenant', 'fatal', 'operator'],
  [[50196], 'invalid_grant', 'provider.loop_detected', 'retry', 'operator'],
  [[90055], 'temporarily_unavailable', 'provider.throttled', 'retry', 'connection'],
  [
    [90033, 90006, 90012, 90024, 90090, 90091, 50033, 50000, 50087],
    'temporarily_unavailable',
    'provider.unavailable',
    'retry',
    'connection',
  ],
  [[90036, 90092], 'server_error', 'provider.unavailable', 'retry', 'connection'],
  [[50049], 'invalid_request', 'provider.unreachable', 'retry', 'operator'],
]

const EVERY_CODE = ROWS.flatMap(([codes, ...row]) => codes.map((code) => [code, ...row] as const))

describe('a refusal of Microsoft’s sign-in service', () => {
  it.each(EVERY_CODE)('AADSTS%d (%s) is %s: %s, %s', (code, error, key, kind, effect) => {
    expect(login(400, aadsts(code, error)).facts).toMatchObject({ provider: 'microsoft', key, class: kind, effect })
  })

  it('is read from the text when the numbers are missing', () => {
    const { error_codes: _, ...body } = aadsts(7000222, 'invalid_client')
    expect(login(401, body).code).toBe('microsoft.secret_expired')
  })

  it.each([
    ['invalid_client', 'microsoft.credential_invalid', 'fatal'],
    ['unauthorized_client', 'microsoft.grant_rejected', 'permanent'],
    ['invalid_grant', 'microsoft.grant_rejected', 'permanent'],
    ['interaction_required', 'microsoft.interaction_required', 'permanent'],
    ['login_required', 'microsoft.interaction_required', 'permanent'],
    ['consent_required', 'microsoft.consent_missing', 'permanent'],
    ['never_heard_of', 'microsoft.grant_rejected', 'permanent'],
  ])('with a number that no table names is judged by %s: %s', (error, key, kind) => {
    expect(login(400, aadsts(99999999, error)).facts).toMatchObject({ key, class: kind })
  })

  it('is an outage when it is no OAuth answer at all', () => {
    expect(login(500, { message: 'Internal server error.' }).code).toBe('provider.unavailable')
    expect(login(403, undefined).code).toBe('provider.unavailable')
    expect(login(503, aadsts(99999999, 'never_heard_of')).code).toBe('provider.unavailable')
    expect(login(200, {}).code).toBe('provider.unavailable')
  })

  it('is a throttle with status 429, whatever else it says, for as long as it asks', () => {
    const { facts, retry } = login(429, aadsts(7000215, 'invalid_client'), { 'retry-after': '23' })
    expect(facts.key).toBe('provider.throttled')
    expect(retry).toEqual({ after: 23 })
  })

  it('keeps the correlation id for the support case, and not the rest of the text', () => {
    const { detail, message } = login(401, aadsts(7000222, 'invalid_client'))
    expect(detail).toBe(
      'status=401 error=invalid_client codes=7000222 correlation=b1d5e7f9-0213-4a68-8c9e-d7f6a5b4c3d2',
    )
    expect(message).not.toContain('Trace ID')
  })
})

describe('what MSAL throws of itself', () => {
  it.each([
    'invalid_instance',
    'endpoints_resolution_error',
    'openid_config_error',
    'network_error',
    'token_parsing_error',
    'made_up',
  ])('%s is a provider out of reach, so it ends nothing', (code) => {
    expect(classifyMsalFailure(new ClientAuthError(code, '')).facts).toMatchObject({
      key: 'provider.unreachable',
      class: 'retry',
    })
  })

  it('is judged by its number where it has one', () => {
    const throttledRepeat = new ServerError('7000215', '', 'again')
    expect(classifyMsalFailure(throttledRepeat).code).toBe('microsoft.secret_invalid')
    const numbered = Object.assign(new ServerError('invalid_client', '', 'no'), { errorNo: '7000222' })
    expect(classifyMsalFailure(numbered).code).toBe('microsoft.secret_expired')
    expect(classifyMsalFailure(new ServerError('invalid_client', '', 'AADSTS700027: no')).code).toBe(
      'microsoft.certificate_mismatch',
    )
  })

  it('is not confused with a mistake of ours', () => {
    expect(() => classifyMsalFailure(new TypeError('x is not a function'))).toThrow(TypeError)
  })
})

describe('a browser that Microsoft sent back with an error', () => {
  it.each([
    ['access_denied', 'AADSTS65004: User declined to consent to access the app.', 'microsoft.consent_declined'],
    ['access_denied', '', 'microsoft.consent_declined'],
    ['consent_required', 'The admin declined.', 'microsoft.consent_declined'],
    ['permission_denied', 'The admin canceled the request', 'microsoft.consent_declined'],
    ['access_denied', "AADSTS50020: User account 'x' does not exist in tenant", 'microsoft.consent_wrong_directory'],
    ['access_denied', 'AADSTS90094: Admin consent is required', 'microsoft.consent_needs_admin'],
    ['interaction_required', 'AADSTS50076: MFA', 'microsoft.interaction_required'],
  ])('with %s %s means %s', (error, description, key) => {
    expect(classifyMicrosoftReturn(error, description).code).toBe(key)
  })
})

const NOT_REST = 'The mailbox is either inactive, soft-deleted, or is hosted on-premise.'
const RAOP = 'Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.'

type GraphRow = [status: number, code: string, message: string, key: MicrosoftErrorKey, kind: Kind, effect: Effect]
const GRAPH_ROWS: GraphRow[] = [
  [401, 'InvalidAuthenticationToken', 'Lifetime validation failed.', 'provider.token_rejected', 'permanent', 'mailbox'],
  [401, 'OrganizationFromTenantGuidNotFound', 'No.', 'microsoft.no_exchange_in_tenant', 'permanent', 'connection'],
  [404, 'OrganizationFromTenantGuidNotFound', 'No.', 'microsoft.no_exchange_in_tenant', 'permanent', 'connection'],
  [
    403,
    'Authorization_RequestDenied',
    'Insufficient privileges.',
    'microsoft.permission_missing',
    'permanent',
    'connection',
  ],
  [
    403,
    'ErrorAccessDenied',
    'Access is denied. Check credentials and try again.',
    'microsoft.mailbox_access_denied',
    'permanent',
    'mailbox',
  ],
  [403, 'ErrorAccessDenied', RAOP, 'microsoft.mailbox_excluded_by_policy', 'permanent', 'mailbox'],
  [403, 'ErrorSendAsDenied', 'No.', 'microsoft.send_as_denied', 'permanent', 'mailbox'],
  [404, 'Request_ResourceNotFound', 'No.', 'microsoft.user_not_found', 'permanent', 'mailbox'],
  [404, 'ErrorInvalidUser', "The requested user 'x' is invalid.", 'microsoft.user_not_found', 'permanent', 'mailbox'],
  [404, 'ResourceNotFound', 'Resource could not be discovered.', 'microsoft.mailbox_not_found', 'permanent', 'mailbox'],
  [404, 'MailboxNotEnabledForRESTAPI', NOT_REST, 'microsoft.mailbox_not_enabled', 'permanent', 'mailbox'],
  [404, 'MailboxNotSupportedForRESTAPI', NOT_REST, 'microsoft.mailbox_not_enabled', 'permanent', 'mailbox'],
  [404, 'ErrorItemNotFound', 'No.', 'microsoft.not_found', 'permanent', 'mailbox'],
  [429, 'TooManyRequests', 'No.', 'provider.throttled', 'retry', 'connection'],
  [503, 'ApplicationThrottled', 'MailboxConcurrency', 'provider.throttled', 'retry', 'connection'],
  [429, 'activityLimitReached', 'No.', 'provider.throttled', 'retry', 'connection'],
  [429, 'neverHeardOf', 'No.', 'provider.throttled', 'retry', 'connection'],
  [503, 'serviceNotAvailable', 'No.', 'provider.unavailable', 'retry', 'connection'],
  [500, 'UnknownError', '', 'provider.unavailable', 'retry', 'connection'],
  [500, 'generalException', 'No.', 'provider.unavailable', 'retry', 'connection'],
  [502, 'neverHeardOf', 'No.', 'provider.unavailable', 'retry', 'connection'],
  [400, 'BadRequest', 'No.', 'microsoft.request_refused', 'permanent', 'mailbox'],
  [404, 'neverHeardOf', 'No.', 'microsoft.not_found', 'permanent', 'mailbox'],
  [401, 'neverHeardOf', 'No.', 'provider.token_rejected', 'permanent', 'mailbox'],
]

describe('a refusal of Microsoft Graph', () => {
  it.each(GRAPH_ROWS)('%d %s %s is %s: %s, %s', (status, code, message, key, kind, effect) => {
    expect(graph(status, { error: { code, message } }).facts).toMatchObject({ key, class: kind, effect })
  })

  it('is read from the inner errors too, however they are spelled', () => {
    const body = {
      error: { code: 'x', message: '', innererror: { code: 'y', innerError: { code: 'MailboxNotEnabledForRESTAPI' } } },
    }
    expect(graph(404, body).code).toBe('microsoft.mailbox_not_enabled')
  })

  it('is an outage when it is no Graph answer at all', () => {
    expect(graph(403, undefined).code).toBe('provider.unavailable')
    expect(graph(200, undefined).code).toBe('provider.unavailable')
  })

  it('waits as long as Graph asks', () => {
    expect(graph(429, { error: { code: 'TooManyRequests' } }, { 'retry-after': '5' }).retry).toEqual({ after: 5 })
  })
})

describe('the error table', () => {
  it('has no key that nothing can lead to', () => {
    const reached = new Set<string>([...ROWS.map(([, , key]) => key), ...GRAPH_ROWS.map(([, , , key]) => key)])
    const ownChecks = [
      'microsoft.consent_wrong_directory',
      'microsoft.credential_invalid',
      'microsoft.grant_rejected',
      'microsoft.mailbox_outside_organisation',
      'microsoft.mailbox_mismatch',
      'microsoft.kind_not_granted',
      'microsoft.sign_in_unproven',
      'microsoft.tenant_mismatch',
    ]
    expect(Object.keys(MICROSOFT_ERRORS).filter((key) => !reached.has(key) && !ownChecks.includes(key))).toEqual([])
  })
})
