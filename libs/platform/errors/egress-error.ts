import { BrokerError } from './broker-error.js'

export type EgressErrorCode =
  | 'egress.url_malformed'
  | 'egress.scheme_not_allowed'
  | 'egress.credentials_in_url'
  | 'egress.port_not_allowed'
  | 'egress.address_not_allowed'
  | 'egress.name_not_resolved'
  | 'egress.connection_failed'
  | 'egress.tls_failed'
  | 'egress.answer_malformed'
  | 'egress.timed_out'
  | 'egress.not_sent'

/** The URL itself is at fault: the next try would end the same. The rest may be mended at the other end meanwhile. */
const FINAL: ReadonlySet<EgressErrorCode> = new Set([
  'egress.url_malformed',
  'egress.scheme_not_allowed',
  'egress.credentials_in_url',
  'egress.port_not_allowed',
  'egress.address_not_allowed',
])

/** A URL that a customer gave us and that we will not, or could not, reach. */
export class EgressError extends BrokerError {
  constructor(code: EgressErrorCode, publicText: string, more: { detail?: string; cause?: unknown } = {}) {
    super({ code, status: 422, publicText, logLevel: 'info', retry: FINAL.has(code) ? 'never' : 'later', ...more })
  }
}
