import type { FaultRule } from '../core/fault-rules.js'
import { type Sandbox, startSandbox } from '../sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../seed/default-seed.js'
import { GOOGLE_ERRORS, type GoogleErrorKey } from './errors.js'
import { vendorClients } from './vendor-clients.js'

const SCOPE = 'https://www.googleapis.com/auth/calendar.readonly'

describe('faults at Google', () => {
  let operator: OperatorCredentials
  let sandbox: Sandbox

  beforeAll(async () => {
    const world = await defaultSeed()
    operator = world.operator
    sandbox = await startSandbox({ seed: world.seed })
    sandbox.google.mutate('add-delegation', { clientId: operator.googleKeyFile.client_id, scopes: [SCOPE] })
  })
  afterEach(() => sandbox.google.faults.clear())
  afterAll(() => sandbox.stop())

  const fault = (rule: FaultRule) => sandbox.google.faults.add(rule)
  const auth = (subject: string) =>
    vendorClients(sandbox.google.url, operator).delegated(operator.googleKeyFile, subject, [SCOPE])
  const mint = (subject = 'anna@acme.test') => auth(subject).authorize()

  it('reach one mailbox and spare the others, so many times', async () => {
    fault({ error: 'google.delegation_scope_missing', contains: 'anna@acme.test', times: 1 })
    expect((await mint('ben@acme.test')).access_token).toBeDefined()
    await expect(mint()).rejects.toMatchObject({ status: 403, response: { data: { error: 'access_denied' } } })
    expect((await mint()).access_token).toBeDefined()
  })

  it('reach one mailbox by its token as well', async () => {
    const { calendar } = vendorClients(sandbox.google.url, operator)
    const [anna, ben] = [auth('anna@acme.test'), auth('ben@acme.test')]
    await Promise.all([anna.authorize(), ben.authorize()])
    fault({ error: 'google.calendar_service_off', contains: 'anna@acme.test' })
    expect((await calendar(ben).calendarList.list()).status).toBe(200)
    await expect(calendar(anna).calendarList.list()).rejects.toMatchObject({ status: 403 })
  })

  it('throttle, with and without Retry-After', async () => {
    fault({ error: 'provider.throttled', times: 1 })
    const refused = await mint().catch((error) => error)
    expect([refused.status, refused.response.headers.get('retry-after')]).toEqual([429, null])
    fault({ error: 'provider.throttled/retry_after', times: 1 })
    const told = await mint().catch((error) => error)
    expect([told.status, told.response.headers.get('retry-after')]).toEqual([429, '2'])
  })

  it('hang, reset, and answer HTML or half of the JSON', async () => {
    fault({ path: '/token', hang: true, times: 1 })
    await expect(mint()).rejects.toMatchObject({ code: 'TimeoutError' })
    fault({ path: '/token', reset: true, times: 1 })
    await expect(mint()).rejects.toMatchObject({ code: 'ECONNRESET' })
    fault({ error: 'provider.unavailable/html', times: 1 })
    await expect(mint()).rejects.toMatchObject({ status: 503, message: expect.stringContaining('<!DOCTYPE html>') })
    fault({ path: '/token', truncate: true, times: 1 })
    await expect(mint()).resolves.not.toMatchObject({ access_token: expect.any(String) })
  })

  it.each(Object.keys(GOOGLE_ERRORS) as GoogleErrorKey[])(
    'answer %s word for word where Google gives it',
    async (error) => {
      fault({ error, times: 1 })
      const { path, status, ...facts } = GOOGLE_ERRORS[error] as (typeof GOOGLE_ERRORS)['provider.unavailable/html']
      const answer = await fetch(`${sandbox.google.url}${path.replace('*', 'x')}`, { method: 'POST' })
      expect(answer.status).toBe(status)
      const text = await answer.text()
      if ('json' in facts) expect(JSON.parse(text)).toEqual(facts.json)
      else expect(text).toBe(facts.html)
    },
  )

  /** The error table of Google's own page and what has been seen in the field. */
  it.each<[GoogleErrorKey, number, string, string]>([
    [
      'google.delegation_missing',
      401,
      'unauthorized_client',
      'Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.',
    ],
    ['google.delegation_scope_missing', 403, 'access_denied', 'Requested client not authorized.'],
    ['google.subject_restricted', 403, 'access_denied', 'Account restricted'],
    ['google.subject_not_found', 400, 'invalid_grant', 'Invalid email or User ID'],
    ['google.credential_key_invalid', 400, 'invalid_grant', 'Invalid JWT Signature.'],
    ['google.credential_disabled', 401, 'disabled_client', 'The OAuth client was disabled.'],
    ['google.client_deleted', 401, 'deleted_client', 'The OAuth client was deleted.'],
    ['google.credential_invalid', 401, 'invalid_client', 'The OAuth client was not found.'],
    ['grant.revoked', 400, 'invalid_grant', 'Token has been expired or revoked.'],
  ])('know %s', (key, status, error, error_description) => {
    expect(GOOGLE_ERRORS[key]).toMatchObject({ status, json: { error, error_description } })
  })

  it.each<[GoogleErrorKey, number, string]>([
    ['provider.token_rejected', 401, 'authError'],
    ['provider.throttled/rate_limit_exceeded', 403, 'rateLimitExceeded'],
    ['provider.throttled/user_rate_limit_exceeded', 403, 'userRateLimitExceeded'],
    ['provider.throttled/quota_exceeded', 403, 'quotaExceeded'],
    ['provider.throttled/daily_limit_exceeded', 403, 'dailyLimitExceeded'],
    ['google.calendar_service_off', 403, 'notACalendarUser'],
    ['google.scope_insufficient', 403, 'insufficientPermissions'],
    ['google.api_disabled', 403, 'accessNotConfigured'],
    ['google.directory_admin_required', 403, 'forbidden'],
    ['google.domain_policy', 403, 'domainPolicy'],
    ['google.domain_policy/cannot_use_apis', 403, 'domainCannotUseApis'],
    ['google.not_found', 404, 'notFound'],
    ['google.not_found/deleted', 410, 'deleted'],
    ['google.mail_service_off', 400, 'failedPrecondition'],
    ['provider.unavailable/backend_error', 503, 'backendError'],
  ])('know %s', (key, code, reason) => {
    expect(GOOGLE_ERRORS[key]).toMatchObject({ status: code, json: { error: { code, errors: [{ reason }] } } })
  })
})
