import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError, unavailable } from '#platform/errors/api-error.js'
import { BrokerError } from '#platform/errors/broker-error.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { invalidField, ValidationError } from '#platform/errors/validation-error.js'
import { Log } from '#platform/observability/log.js'
import { graphqlErrorOf } from './graphql-errors.js'
import { unsupportedMediaType } from './refuse-requests.js'
import { isStoreAway, RETRY_AFTER_SECONDS, retryAfterOf } from './unavailability.js'

/** The one place where an error becomes an HTTP answer. What it does not know leaves as a fixed text and an id to ask about. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(thrown: unknown, host: ArgumentsHost) {
    const request = host.switchToHttp().getRequest<FastifyRequest>()
    const reply = host.switchToHttp().getResponse<FastifyReply>()
    const error = inOurTerms(thrown, request)
    if (error instanceof BrokerError) this.log.failure('request.refused', error, { request: request.id })
    else this.log.failure('request.failed', error, { request: request.id })
    // A stream that has begun cannot change its status any more; cutting it off is the only signal left.
    if (reply.sent || reply.raw.headersSent) return reply.raw.destroy()
    answer(error, request, reply)
  }
}

function answer(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  if (error instanceof BrokerError) addHeaders(error, request, reply)
  const status = error instanceof BrokerError ? error.status : 500
  if (isGraphql(request)) {
    // GraphQL over HTTP: what is no request in its sense is a 400, and 422 says nothing to its clients.
    return reply.status(status === 422 ? 400 : status).send({ errors: [graphqlErrorOf(error, request.id)] })
  }
  return reply.status(status).send(bodyOf(error, request))
}

function addHeaders(error: BrokerError, request: FastifyRequest, reply: FastifyReply): void {
  if (error instanceof OAuthError) {
    reply.header('cache-control', 'no-store').header('pragma', 'no-cache')
    // RFC 6749 section 5.2: only a client that tried the Authorization header is challenged there.
    const triedBasic = /^basic\b/i.test(request.headers.authorization ?? '')
    if (error.status === 401 && triedBasic) reply.header('www-authenticate', 'Basic realm="mandate"')
  } else if (error.status === 401 || (error instanceof ApiError && error.challenge)) {
    const challenge = error instanceof ApiError ? error.challenge : undefined
    reply.header('www-authenticate', challenge ?? `Bearer error="${error.code}"`)
  }
  const retryAfter = retryAfterOf(error)
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
}

function bodyOf(error: unknown, request: FastifyRequest): object {
  if (error instanceof ValidationError) return { errors: error.problems }
  if (error instanceof BrokerError) return { error: wireCode(error, request), error_description: error.publicText }
  const error_description = `Something failed on our side. When you ask about it, give the id ${request.id}.`
  return { error: 'server_error', error_description }
}

/** RFC 6749 section 5.2 has one name for every body that cannot be read. */
const wireCode = ({ code, status }: BrokerError, request: FastifyRequest) =>
  isOAuth(request) && (status === 413 || status === 415) ? 'invalid_request' : code

const isOAuth = (request: FastifyRequest) => request.url.startsWith('/oauth/')

/** The console beside it is a page like any other. */
const isGraphql = (request: FastifyRequest) => /^\/graphql\/?(\?|$)/.test(request.url)

/** What Nest and Fastify refuse before a controller is reached, said as one of ours. */
function inOurTerms(thrown: unknown, request: FastifyRequest): unknown {
  if (thrown instanceof BrokerError) return thrown
  if (isStoreAway(thrown)) return unavailable('The database cannot be reached just now.', RETRY_AFTER_SECONDS, thrown)
  const status = statusOf(thrown)
  if (status === 404) {
    const path = request.url.split('?')[0]!.slice(0, 200)
    return new ApiError({ code: 'not_found', status, publicText: `There is nothing at ${request.method} ${path}.` })
  }
  if (status === 413) return new ApiError({ code: 'too_large', status, publicText: 'The body is too large.' })
  if (status === 415) return unsupportedMediaType()
  if (status && status < 500) {
    const problem = 'could not be read: it is not valid JSON or not a valid form'
    return isOAuth(request)
      ? new OAuthError('invalid_request', `The body ${problem}.`)
      : invalidField('body', 'errors.unreadable', problem)
  }
  return thrown
}

function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) return thrown.getStatus()
  const { statusCode, code } = thrown as { statusCode?: unknown; code?: unknown }
  return typeof statusCode === 'number' && typeof code === 'string' && code.startsWith('FST_') ? statusCode : undefined
}
