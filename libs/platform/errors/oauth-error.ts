import { BrokerError } from './broker-error.js'

/** Of RFC 6749 sections 4.1.2.1 and 5.2, those that we answer with. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'invalid_scope'

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
