import type { NamedError } from '../core/fault-rules.js'
import { AADSTS_CODES, type AadstsCode, AadstsError, aadstsBody } from './aadsts.js'
import { GRAPH_ERRORS, GraphError, type GraphErrorName, graphErrorBody } from './graph/graph-errors.js'

const TOKEN_PATH = '/*/oauth2/v2.0/token'
const GRAPH_PATH = '/v1.0/*'
const SOME_ID = '11111111-2222-4333-8444-555555555555'

const onToken = (code: AadstsCode, headers?: Record<string, string>): NamedError => {
  const refusal = new AadstsError(code)
  return {
    path: TOKEN_PATH,
    status: refusal.status,
    json: aadstsBody(refusal, new Date(), SOME_ID),
    ...(headers && { headers }),
  }
}

const onGraph = (name: GraphErrorName, headers?: Record<string, string>): NamedError => {
  const refusal = new GraphError(name)
  return {
    path: GRAPH_PATH,
    status: refusal.status,
    json: graphErrorBody(refusal, new Date(), SOME_ID),
    ...(headers && { headers }),
  }
}

/** For a broker's key, the code that most often stands behind it. */
const CODE_OF_KEY = {
  'microsoft.app_not_in_tenant': 7000229,
  'microsoft.consent_missing': 65001,
  'microsoft.app_misconfigured': 650056,
  'microsoft.resource_unavailable': 650052,
  'microsoft.consent_needs_admin': 90094,
  'microsoft.consent_declined': 65004,
  'microsoft.app_disabled': 7000112,
  'microsoft.secret_invalid': 7000215,
  'microsoft.secret_expired': 7000222,
  'microsoft.request_malformed': 7000218,
  'microsoft.certificate_mismatch': 700027,
  'microsoft.clock_skew': 700024,
  'microsoft.certificate_expired': 1000502,
  'microsoft.certificate_revoked': 7000214,
  'microsoft.federation_mismatch': 700213,
  'microsoft.app_public_client': 700025,
  'microsoft.tenant_not_found': 90002,
  'microsoft.wrong_cloud': 90038,
  'microsoft.scope_invalid': 70011,
  'microsoft.blocked_by_policy': 53003,
  'microsoft.user_not_in_tenant': 50034,
  'microsoft.user_disabled': 50057,
  'microsoft.user_not_assigned': 50105,
  'microsoft.interaction_required': 50076,
  'microsoft.app_single_tenant': 50194,
  'grant.revoked': 50173,
  'oauth.code_invalid': 54005,
  'provider.loop_detected': 50196,
  'provider.throttled': 90055,
  'provider.unavailable': 90033,
  'provider.unreachable': 50049,
} as const satisfies Record<string, AadstsCode>

/**
 * For fault rules: every refusal by Microsoft's number (`AADSTS7000222`) or by a broker's key (`microsoft.secret_expired`,
 * `microsoft.mailbox_excluded_by_policy`), and the weather.
 */
export const MICROSOFT_ERRORS: Readonly<Record<string, NamedError>> = {
  ...Object.fromEntries(AADSTS_CODES.map((code) => [`AADSTS${code}`, onToken(code)])),
  ...Object.fromEntries(Object.entries(CODE_OF_KEY).map(([key, code]) => [key, onToken(code)])),
  ...Object.fromEntries(Object.keys(GRAPH_ERRORS).map((name) => [name, onGraph(name as GraphErrorName)])),
  'provider.throttled/retry_after': onToken(90055, { 'retry-after': '2' }),
  'provider.throttled/graph_retry_after': onGraph('provider.throttled/graph', { 'retry-after': '2' }),
  // MSAL makes a success with an empty token of this one.
  'provider.unavailable/no_error_field': { path: TOKEN_PATH, status: 500, json: { message: 'Internal server error.' } },
  'provider.unavailable/html': {
    path: TOKEN_PATH,
    status: 503,
    html: '<!DOCTYPE html><html><head><title>Service Unavailable</title></head><body><h2>Our services aren’t available right now</h2></body></html>',
  },
}
