import type { OAuthErrorCode } from '#platform/errors/oauth-error.js'
import { defineCounter } from '#platform/observability/metrics.js'

/** Each code once, or the compiler says so. */
const REFUSALS: Record<OAuthErrorCode, true> = {
  invalid_request: true,
  invalid_client: true,
  invalid_grant: true,
  invalid_target: true,
  unauthorized_client: true,
  unsupported_grant_type: true,
  unsupported_response_type: true,
  invalid_scope: true,
  temporarily_unavailable: true,
}
const OUTCOMES: readonly (OAuthErrorCode | 'issued' | 'failed')[] = [
  'issued',
  ...(Object.keys(REFUSALS) as OAuthErrorCode[]),
  'failed',
]

export const TOKEN_GRANTS = defineCounter({
  name: 'mandate_token_grants_total',
  help: 'Requests at the token endpoint, by grant type and outcome; the outcome of a refusal is its OAuth error.',
  labels: {
    type: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    outcome: OUTCOMES,
  },
})
