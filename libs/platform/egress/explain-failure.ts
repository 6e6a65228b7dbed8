import { EgressError } from '#platform/errors/egress-error.js'
import { CONNECT_TIMEOUT_MS } from './guarded-agent.js'

/** What Node, OpenSSL and the HTTP parser throw, as a sentence for whoever gave us the URL. */
export function explainFailure(error: Error, host: string): EgressError {
  if (error instanceof EgressError) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  // The parser's error holds the receiver's bytes, which may repeat what we sent: it goes no further.
  if (error.name === 'HTTPParserError' || NOT_HTTP.has(code)) {
    return new EgressError('egress.answer_malformed', `${host} did not answer in HTTP (${error.message}).`)
  }
  const more = { cause: error }
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return new EgressError(
      'egress.timed_out',
      `${host} took no connection within ${CONNECT_TIMEOUT_MS / 1000} s.`,
      more,
    )
  }
  if (TLS_FAILURE.test(code)) {
    return new EgressError(
      'egress.tls_failed',
      `TLS with ${host} failed (${code}): it needs a current certificate for exactly this name, from an authority that is trusted here.`,
      more,
    )
  }
  return new EgressError('egress.connection_failed', `The connection to ${host} failed (${code}).`, more)
}

/** Too many headers, and contradictory lengths. */
const NOT_HTTP = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'])

/** Node's own checks, the handshake, and the names of OpenSSL's X509_V_ERR_* without their prefix. */
const TLS_FAILURE = /^ERR_(TLS|SSL)_|^EPROTO$|CERT|SIGNATURE|_CRL|^INVALID_(CA|PURPOSE)$|PATH_LENGTH|HOSTNAME_MISMATCH/
