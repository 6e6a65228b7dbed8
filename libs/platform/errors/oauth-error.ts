import { BrokerError } from './broker-error.js'

/** RFC 6749 sections 4.1.2.1 and 5.2, RFC 7009 section 2.2.1. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'unsupported_token_type'
  | 'invalid_scope'
  | 'access_denied'
  | 'server_error'
  | 'temporarily_unavailable'

/**
 * An answer of the OAuth endpoints. `publicText` becomes `error_description`, so it keeps to the characters of
 * RFC 6749 section 5.2 (%x20-21 / %x23-5B / %x5D-7E); `detail` says in the log which of several reasons it was.
 */
export class OAuthError extends BrokerError {
  constructor(
    readonly error: OAuthErrorCode,
    publicText: string,
    more: { detail?: string; cause?: unknown } = {},
  ) {
    super({ code: error, status: error === 'invalid_client' ? 401 : 400, publicText, ...more })
  }
}
