/**
 * What Graph says when it refuses, by the key that a broker would give it; what comes after a slash is another text of
 * the same refusal. `{…}` is filled in from the request.
 */
export const GRAPH_ERRORS = {
  'provider.token_rejected/empty': [401, 'InvalidAuthenticationToken', 'Access token is empty.'],
  'provider.token_rejected/malformed': [
    401,
    'InvalidAuthenticationToken',
    'IDX14100: JWT is not well formed, there are no dots (.).',
  ],
  'provider.token_rejected': [401, 'InvalidAuthenticationToken', 'Lifetime validation failed, the token is expired.'],
  'provider.token_rejected/audience': [
    401,
    'InvalidAuthenticationToken',
    'Access token validation failure. Invalid audience.',
  ],
  'microsoft.no_exchange_in_tenant': [
    401,
    'OrganizationFromTenantGuidNotFound',
    "The tenant for tenant guid '{tenant}' does not exist.",
  ],
  'microsoft.permission_missing': [
    403,
    'Authorization_RequestDenied',
    'Insufficient privileges to complete the operation.',
  ],
  'microsoft.mailbox_access_denied': [403, 'ErrorAccessDenied', 'Access is denied. Check credentials and try again.'],
  'microsoft.mailbox_excluded_by_policy': [
    403,
    'ErrorAccessDenied',
    'Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.',
  ],
  'microsoft.send_as_denied': [
    403,
    'ErrorSendAsDenied',
    'The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account.',
  ],
  'microsoft.user_not_found': [
    404,
    'Request_ResourceNotFound',
    "Resource '{user}' does not exist or one of its queried reference-property objects are not present.",
  ],
  'microsoft.user_not_found/invalid_user': [404, 'ErrorInvalidUser', "The requested user '{user}' is invalid."],
  'microsoft.mailbox_not_found': [404, 'ResourceNotFound', 'Resource could not be discovered.'],
  'microsoft.mailbox_not_enabled': [
    404,
    'MailboxNotEnabledForRESTAPI',
    'The mailbox is either inactive, soft-deleted, or is hosted on-premise.',
  ],
  'microsoft.mailbox_not_enabled/not_supported': [
    404,
    'MailboxNotSupportedForRESTAPI',
    'The mailbox is either inactive, soft-deleted, or is hosted on-premise.',
  ],
  'microsoft.not_found': [404, 'ErrorItemNotFound', 'The specified object was not found in the store.'],
  'graph.no_such_segment': [400, 'BadRequest', "Resource not found for the segment '{segment}'."],
  'graph.me_needs_user': [400, 'BadRequest', '/me request is only valid with delegated authentication flow.'],
  'graph.bad_request': [400, 'BadRequest', '{what}'],
  'graph.window_missing': [
    400,
    'ErrorInvalidParameter',
    'This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.',
  ],
  'provider.throttled/graph': [429, 'TooManyRequests', 'Too many requests.'],
  'provider.throttled/application': [429, 'ApplicationThrottled', 'Application is over its MailboxConcurrency limit.'],
  'provider.throttled/activity_limit': [429, 'activityLimitReached', 'The app or user has been throttled.'],
  'provider.throttled/mailbox_concurrency': [
    503,
    'ApplicationThrottled',
    'Application is over its MailboxConcurrency limit.',
  ],
  'provider.unavailable/graph': [503, 'serviceNotAvailable', 'The service is temporarily unavailable.'],
  'provider.unavailable/unknown_error': [500, 'UnknownError', ''],
  'provider.unavailable/bad_gateway': [502, 'UnknownError', ''],
  'provider.unavailable/gateway_timeout': [504, 'UnknownError', ''],
  'provider.unavailable/general_exception': [500, 'generalException', 'An unspecified error has occurred.'],
} as const satisfies Record<string, readonly [status: number, code: string, message: string]>

export type GraphErrorName = keyof typeof GRAPH_ERRORS

/** A refusal of Graph, answered as `{ error: { code, message, innerError } }`. */
export class GraphError extends Error {
  readonly status: number
  readonly code: string

  constructor(name: GraphErrorName, values: Record<string, string> = {}) {
    const [status, code, message] = GRAPH_ERRORS[name]
    super(message.replace(/\{(\w+)\}/g, (_, key: string) => values[key] ?? key))
    this.status = status
    this.code = code
  }
}

export const graphErrorBody = (
  { code, message }: GraphError,
  at: Date,
  requestId: string,
  clientRequestId = requestId,
) => ({
  error: {
    code,
    message,
    innerError: { date: at.toISOString().slice(0, 19), 'request-id': requestId, 'client-request-id': clientRequestId },
  },
})
