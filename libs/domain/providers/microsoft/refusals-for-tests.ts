import type { MicrosoftErrorKey } from './microsoft-errors.js'

/** What each refusal of Microsoft's has to mean, written down a second time: tables that agree with themselves prove nothing. */

type Kind = 'permanent' | 'fatal' | 'retry'
type Effect = 'mailbox' | 'connection' | 'operator'
type LoginRefusal = [codes: number[], error: string, key: MicrosoftErrorKey, kind: Kind, effect: Effect]

export const LOGIN_REFUSALS: LoginRefusal[] = [
  [[700016, 700011], 'unauthorized_client', 'microsoft.app_not_in_tenant', 'permanent', 'connection'],
  [[7000229], 'invalid_client', 'microsoft.app_not_in_tenant', 'permanent', 'connection'],
  [[65001], 'invalid_grant', 'microsoft.consent_missing', 'permanent', 'connection'],
  [[650056, 650057, 65005], 'invalid_client', 'microsoft.app_misconfigured', 'permanent', 'connection'],
  [[650052, 500011, 500014], 'invalid_resource', 'microsoft.resource_unavailable', 'permanent', 'connection'],
  [[90094, 90095, 90008], 'access_denied', 'microsoft.consent_needs_admin', 'permanent', 'connection'],
  [[7000112, 70001], 'unauthorized_client', 'microsoft.app_disabled', 'permanent', 'connection'],
  [[7000215, 70002], 'invalid_client', 'microsoft.secret_invalid', 'fatal', 'connection'],
  [[7000222], 'invalid_client', 'microsoft.secret_expired', 'fatal', 'connection'],
  [
    [7000218, 900144, 9001023, 50027, 700021, 70003, 700051, 9000411],
    'invalid_request',
    'microsoft.request_malformed',
    'fatal',
    'operator',
  ],
  [[700023], 'invalid_client', 'microsoft.request_malformed', 'fatal', 'operator'],
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
    [50076, 50079, 50072, 50074, 50078, 50158, 50058],
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
  [[54005, 501481, 700005, 70004, 50011, 500112], 'invalid_grant', 'oauth.code_invalid', 'permanent', 'mailbox'],
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

const NOT_REST = 'The mailbox is either inactive, soft-deleted, or is hosted on-premise.'
const RAOP = 'Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.'

type GraphRefusal = [status: number, code: string, message: string, key: MicrosoftErrorKey, kind: Kind, effect: Effect]
export const GRAPH_REFUSALS: GraphRefusal[] = [
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
