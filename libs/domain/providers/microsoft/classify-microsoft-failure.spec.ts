import type { ProviderAnswer } from '../provider-http.js'
import { classifyGraphAnswer, classifyMicrosoftAnswer, classifyMicrosoftReturn } from './classify-microsoft-failure.js'
import { MICROSOFT_ERRORS } from './microsoft-errors.js'
import { GRAPH_REFUSALS, LOGIN_REFUSALS } from './refusals-for-tests.js'

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

const EVERY_CODE = LOGIN_REFUSALS.flatMap(([codes, ...row]) => codes.map((code) => [code, ...row] as const))

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

describe('a refusal of Microsoft Graph', () => {
  it.each(GRAPH_REFUSALS)('%d %s %s is %s: %s, %s', (status, code, message, key, kind, effect) => {
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
    const reached = new Set<string>([
      ...LOGIN_REFUSALS.map(([, , key]) => key),
      ...GRAPH_REFUSALS.map(([, , , key]) => key),
    ])
    const ownChecks = [
      'microsoft.consent_wrong_directory',
      'microsoft.credential_invalid',
      'microsoft.grant_rejected',
      'microsoft.mailbox_outside_organisation',
      'microsoft.mailbox_mismatch',
      'microsoft.kind_not_granted',
      'microsoft.sign_in_unproven',
      'microsoft.tenant_mismatch',
      'microsoft.federated_token_missing',
      'grant.mailbox_reassigned',
      'microsoft.calendar_of_another',
      'grant.registration_replaced',
      'grant.token_too_wide',
    ]
    expect(Object.keys(MICROSOFT_ERRORS).filter((key) => !reached.has(key) && !ownChecks.includes(key))).toEqual([])
  })
})
