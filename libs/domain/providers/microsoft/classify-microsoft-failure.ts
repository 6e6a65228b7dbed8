import type { ProviderError } from '#platform/errors/provider-error.js'
import { retryAfterSeconds } from '#platform/http/retry-after.js'
import { forTheLog } from '../provider-errors.js'
import type { ProviderAnswer } from '../provider-http.js'
import { type MicrosoftErrorKey, microsoftError } from './microsoft-errors.js'

/**
 * Microsoft promises OAuth `error` values, not AADSTS numbers; but only the numbers say what to do. So a known number
 * decides, then `OAUTH_FALLBACK`, then the HTTP status.
 */
interface AadstsRow {
  codes: readonly number[]
  /** OAuth `error` that has to come with it; any when absent. */
  error?: string
  key: MicrosoftErrorKey
  tries?: number
  fix?: string
}

const AADSTS_ROWS: readonly AadstsRow[] = [
  { codes: [90055], key: 'provider.throttled' },
  { codes: [50196], key: 'provider.loop_detected' },
  { codes: [90033, 90006, 90012, 90024, 90090, 90091, 50033, 50000, 50087], key: 'provider.unavailable' },
  {
    codes: [90036, 90092],
    key: 'provider.unavailable',
    tries: 3,
    fix: 'Open a support case with Microsoft; the log of this installation holds the correlation ID.',
  },
  { codes: [50049], key: 'provider.unreachable' },
  { codes: [700016, 700011, 7000229], key: 'microsoft.app_not_in_tenant' },
  { codes: [65001], key: 'microsoft.consent_missing' },
  { codes: [65004], key: 'microsoft.consent_declined' },
  { codes: [90094, 90095, 90008], key: 'microsoft.consent_needs_admin' },
  { codes: [650056, 650057, 65005], key: 'microsoft.app_misconfigured' },
  { codes: [650052, 500011, 500014], key: 'microsoft.resource_unavailable' },
  { codes: [7000112, 70001], key: 'microsoft.app_disabled' },
  { codes: [7000215, 70002], key: 'microsoft.secret_invalid' },
  { codes: [7000222], key: 'microsoft.secret_expired' },
  // The vendor's list names 700023 a wrong scope; on the wire it was seen for the audience of an assertion.
  { codes: [700023], error: 'invalid_client', key: 'microsoft.request_malformed' },
  {
    codes: [7000218, 900144, 9001023, 50027, 700021, 70003, 700051, 9000411],
    key: 'microsoft.request_malformed',
  },
  { codes: [700027, 7000274, 50012, 700030], key: 'microsoft.certificate_mismatch' },
  { codes: [700024], key: 'microsoft.clock_skew' },
  { codes: [1000502], key: 'microsoft.certificate_expired' },
  { codes: [7000214, 7000277], key: 'microsoft.certificate_revoked' },
  { codes: [700213, 700211, 700212], key: 'microsoft.federation_mismatch' },
  { codes: [700025], key: 'microsoft.app_public_client' },
  { codes: [90002, 900023, 90019], key: 'microsoft.tenant_not_found' },
  { codes: [90038, 900382, 900432], key: 'microsoft.wrong_cloud' },
  { codes: [70011, 28002, 700022, 700023, 1002012], key: 'microsoft.scope_invalid' },
  { codes: [53003, 530032, 530035, 53000, 53001, 53002, 53011], key: 'microsoft.blocked_by_policy' },
  { codes: [50034, 51004, 50020, 16000, 50014], key: 'microsoft.user_not_in_tenant' },
  { codes: [50057], key: 'microsoft.user_disabled' },
  { codes: [50105], key: 'microsoft.user_not_assigned' },
  { codes: [50076, 50079, 50072, 50074, 50078, 50158, 50058], key: 'microsoft.interaction_required' },
  { codes: [50173, 70000, 70008, 700082, 700084, 70043, 50089, 50132, 50133], key: 'grant.revoked' },
  { codes: [54005, 501481, 700005, 70004, 50011, 500112], key: 'oauth.code_invalid' },
  { codes: [50194], key: 'microsoft.app_single_tenant' },
]

/** For numbers that no row names. `invalid_client` ends the credential, so it needs no row to be believed. */
export const OAUTH_FALLBACK: Readonly<Record<string, MicrosoftErrorKey>> = {
  invalid_client: 'microsoft.credential_invalid',
  unauthorized_client: 'microsoft.grant_rejected',
  invalid_grant: 'microsoft.grant_rejected',
  access_denied: 'microsoft.grant_rejected',
  invalid_scope: 'microsoft.scope_invalid',
  invalid_resource: 'microsoft.resource_unavailable',
  invalid_tenant: 'microsoft.tenant_not_found',
  interaction_required: 'microsoft.interaction_required',
  login_required: 'microsoft.interaction_required',
  consent_required: 'microsoft.consent_missing',
  temporarily_unavailable: 'provider.unavailable',
  server_error: 'provider.unavailable',
  invalid_instance: 'provider.unreachable',
}

/** By the grant that was presented: of a code or a refresh token, `invalid_grant` leaves no doubt (RFC 6749 section 5.2). */
export const FALLBACK_OF_GRANT: Readonly<Record<string, typeof OAUTH_FALLBACK>> = {
  authorization_code: { ...OAUTH_FALLBACK, invalid_grant: 'oauth.code_invalid' },
  refresh_token: { ...OAUTH_FALLBACK, invalid_grant: 'grant.revoked' },
}

interface GraphRow {
  code: string
  status?: number
  /** Part of the message; any message when absent. */
  says?: string
  key: MicrosoftErrorKey
}

/** In order. `code` is the contract, also inside `innerError`; the message only tells two policies apart. */
const GRAPH_ROWS: readonly GraphRow[] = [
  { code: 'TooManyRequests', key: 'provider.throttled' },
  { code: 'ApplicationThrottled', key: 'provider.throttled' },
  { code: 'activityLimitReached', key: 'provider.throttled' },
  { code: 'MailboxConcurrency', key: 'provider.throttled' },
  { code: 'serviceNotAvailable', key: 'provider.unavailable' },
  { code: 'UnknownError', key: 'provider.unavailable' },
  { code: 'generalException', key: 'provider.unavailable' },
  { code: 'OrganizationFromTenantGuidNotFound', key: 'microsoft.no_exchange_in_tenant' },
  { code: 'InvalidAuthenticationToken', key: 'provider.token_rejected' },
  { code: 'Authorization_RequestDenied', key: 'microsoft.permission_missing' },
  { code: 'ErrorAccessDenied', says: '[RAOP]', key: 'microsoft.mailbox_excluded_by_policy' },
  { code: 'ErrorAccessDenied', key: 'microsoft.mailbox_access_denied' },
  { code: 'ErrorSendAsDenied', key: 'microsoft.send_as_denied' },
  { code: 'Request_ResourceNotFound', key: 'microsoft.user_not_found' },
  { code: 'ErrorInvalidUser', key: 'microsoft.user_not_found' },
  { code: 'ResourceNotFound', key: 'microsoft.mailbox_not_found' },
  { code: 'MailboxNotEnabledForRESTAPI', key: 'microsoft.mailbox_not_enabled' },
  { code: 'MailboxNotSupportedForRESTAPI', key: 'microsoft.mailbox_not_enabled' },
  { code: 'ErrorItemNotFound', key: 'microsoft.not_found' },
]

/** An answer of the token endpoint or of tenant discovery that is not the one we need. */
export function classifyMicrosoftAnswer(
  { status, headers, json }: ProviderAnswer,
  now: Date,
  fallback = OAUTH_FALLBACK,
): ProviderError {
  const body = (json ?? {}) as Record<string, unknown>
  const error = typeof body.error === 'string' ? body.error : null
  const codes = Array.isArray(body.error_codes) ? body.error_codes.map(Number) : codesIn(String(body.error_description))
  const { key, ...meaning } = meaningOfOAuth(status, error, codes, fallback)
  return microsoftError(key, {
    ...meaning,
    retryAfter: retryAfterSeconds(headers['retry-after'], now),
    detail: forTheLog({ status, error, codes: codes.join(','), correlation: correlationOf(body) }),
  })
}

const correlationOf = ({ correlation_id: id }: Record<string, unknown>) => (typeof id === 'string' ? id : null)

/** For the browser's way back from Microsoft. `admin_consent=True` comes with refusals too, so `error` decides. */
export function classifyMicrosoftReturn(error: string, description: string): ProviderError {
  const codes = codesIn(description)
  const detail = forTheLog({ phase: 'return', error, codes: codes.join(',') })
  if (codes.includes(50020)) return microsoftError('microsoft.consent_wrong_directory', { detail })
  const declined = ['access_denied', 'consent_required', 'permission_denied'].includes(error)
  if (codes.length === 0 && declined) return microsoftError('microsoft.consent_declined', { detail })
  const { key, ...meaning } = meaningOfOAuth(400, error, codes)
  return microsoftError(key, { ...meaning, detail })
}

export function classifyGraphAnswer(answer: ProviderAnswer, now: Date): ProviderError {
  const { codes, message } = graphError(answer.json)
  return microsoftError(keyOfGraph(answer.status, codes, message), {
    retryAfter: retryAfterSeconds(answer.headers['retry-after'], now),
    detail: forTheLog({
      status: answer.status,
      codes: codes.join(','),
      request: answer.headers['request-id'],
    }),
  })
}

const codesIn = (text: string): number[] =>
  [...text.matchAll(/AADSTS(\d+)/g)].map(([, digits]) => Number(digits)).slice(0, 1)

function meaningOfOAuth(
  status: number,
  error: string | null,
  codes: number[],
  fallback = OAUTH_FALLBACK,
): Pick<AadstsRow, 'key' | 'tries' | 'fix'> {
  if (status === 429) return { key: 'provider.throttled' }
  const isMeant = (row: AadstsRow) =>
    row.codes.some((code) => codes.includes(code)) && (!row.error || row.error === error)
  const row = AADSTS_ROWS.find(isMeant)
  if (row) return { key: row.key, tries: row.tries, fix: row.fix }
  if (status >= 500 || error === null) return { key: 'provider.unavailable' }
  return { key: fallback[error] ?? 'microsoft.grant_rejected' }
}

function keyOfGraph(status: number, codes: string[], message: string): MicrosoftErrorKey {
  if (status === 429) return 'provider.throttled'
  const row = GRAPH_ROWS.find((row) => codes.includes(row.code) && (!row.says || message.includes(row.says)))
  if (row) return row.key
  if (status >= 500 || codes.length === 0) return 'provider.unavailable'
  if (status === 401) return 'provider.token_rejected'
  return status === 404 ? 'microsoft.not_found' : 'microsoft.request_refused'
}

interface GraphError {
  code?: string
  message?: string
  innerError?: GraphError
  innererror?: GraphError
}

function graphError(json: unknown): { codes: string[]; message: string } {
  const codes: string[] = []
  const outer = (json as { error?: GraphError } | undefined)?.error
  for (let at: GraphError | undefined = outer; at && codes.length < 8; at = at.innerError ?? at.innererror)
    if (at.code) codes.push(at.code)
  return { codes, message: outer?.message ?? '' }
}
