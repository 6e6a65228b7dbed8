import { BrokerError } from './broker-error.js'

/** Of RFC 6749 sections 4.1.2.1 and 5.2 and RFC 8693 section 2.2.2, those that we answer with. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_target'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'invalid_scope'
  | 'temporarily_unavailable'

/**
 * An answer of the OAuth endpoints. `publicText` becomes `error_description`, so it keeps to the characters of
 * RFC 6749 section 5.2 (%x20-21 / %x23-5B / %x5D-7E); `detail` says in the log which of several reasons it was.
 */
export class OAuthError extends BrokerError {
  constructor(
    readonly error: OAuthErrorCode,
    publicText: string,
    { retryAfter, ...more }: { detail?: string; cause?: unknown; retryAfter?: number } = {},
  ) {
    const retry = retryAfter === undefined ? 'never' : { after: retryAfter }
    super({ code: error, status: STATUS[error] ?? 400, publicText, retry, logLevel: 'info', ...more })
  }
}

const STATUS: Partial<Record<OAuthErrorCode, number>> = { invalid_client: 401, temporarily_unavailable: 503 }
