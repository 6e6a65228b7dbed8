import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ApiError } from '#platform/errors/api-error.js'
import type { Log } from '#platform/observability/log.js'

/** What goes with every answer, whoever writes it: nothing of ours is to be framed, sniffed, kept or told to others. */
export const ANSWER_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

/** A URL that cannot even be routed (`/%zz`) never reaches Nest and its filter. */
export const refuseUnroutable =
  (log: Log) =>
  ({ code }: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const error_description =
      code === 'FST_ERR_MAX_PARAM_LENGTH'
        ? 'There is nothing under so long a path.'
        : 'The path is not valid percent-encoded text.'
    log.info('request.unreadable', { request: request.id, status: 404, reason: code })
    reply
      .status(404)
      .headers({ ...ANSWER_HEADERS, 'x-request-id': request.id })
      .send({ error: 'not_found', error_description })
  }

const UNREADABLE: Record<string, [status: number, error: string, description: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'request_timeout', 'The request did not arrive in time.'],
  HPE_HEADER_OVERFLOW: [431, 'headers_too_large', 'The headers are too large: 16 KB in all is the most.'],
  HPE_INVALID_METHOD: [400, 'invalid_request', 'There is no such method.'],
}
const NOT_HTTP = [400, 'invalid_request', 'This is not a valid HTTP request.'] as const

/** What Node's parser gives up on never becomes a request, so the answer is written to the socket by hand. */
export const refuseUnreadable =
  (log: Log, newRequestId: () => string) =>
  (failure: NodeJS.ErrnoException, socket: Socket): void => {
    if (failure.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy()
    const [status, error, error_description] = UNREADABLE[failure.code ?? ''] ?? NOT_HTTP
    const id = newRequestId()
    log.info('request.unreadable', { request: id, status, reason: failure.code })
    const body = JSON.stringify({ error, error_description })
    const headers = {
      ...ANSWER_HEADERS,
      'x-request-id': id,
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n'))
  }

/** Of what Node and Fastify would take, or refuse in their own words. */
export function refusalOf(headers: IncomingHttpHeaders, httpVersion: string): ApiError | undefined {
  if (headers.host === undefined && httpVersion === '1.1')
    return new ApiError({ code: 'invalid_request', status: 400, publicText: 'A request needs a Host header.' })
  const { 'content-encoding': encoding = 'identity', 'content-type': type = '' } = headers
  const [, charset = 'utf-8'] = /;\s*charset="?([^\s;"]*)/i.exec(type) ?? []
  // One SDK says in here what it would accept, weights and all; a coding has none (RFC 9110 section 8.4).
  const isEncoded = /^[\w-]+(?:\s*,\s*[\w-]+)*$/.test(encoding) && encoding.toLowerCase() !== 'identity'
  return isEncoded || !/^(utf-?8|us-ascii)$/i.test(charset) ? unsupportedMediaType() : undefined
}

export const unsupportedMediaType = () =>
  new ApiError({
    code: 'unsupported_media_type',
    status: 415,
    publicText:
      'Send application/json (OAuth endpoints also take application/x-www-form-urlencoded), in UTF-8 and not compressed.',
  })
