import { isIP } from 'node:net'
import cookie from '@fastify/cookie'
import type { DynamicModule, Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { seconds } from '#platform/clock/clock.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { Log } from '#platform/observability/log.js'
import { NestLog } from '#platform/observability/nest-log.js'
import { withOrigin } from '#platform/observability/origin.js'
import { isTracing, type TracedRequest, traceRequest } from '#platform/observability/tracing.js'
import { CryptoRandom, newId } from '#platform/secrets/random.js'
import { leaveBodiesToPassOn } from './bodies-to-pass-on.js'
import { ErrorFilter } from './error.filter.js'
import { HTTP_REQUESTS } from './http.metrics.js'
import { RouteTable } from './openapi/route-table.js'
import { parseForm } from './parse-form.js'
import { ANSWER_HEADERS, refusalOf, refuseUnreadable, refuseUnroutable } from './refuse-requests.js'
import { warnOfUnnamedProxies } from './warn-of-unnamed-proxies.js'

/** A batch of 50 requests, each with a callback URL and a state of some 2,000 characters, fits with room to spare. */
const BODY_LIMIT = 256 * 1024

/** The largest body comes in well under a second over any line; whoever takes longer holds a connection for its own sake. */
const HEADERS_TIMEOUT = seconds(10)
const REQUEST_TIMEOUT = seconds(30)

/** A Nest application on Fastify, with the manners that every route of ours shares. The caller listens and closes. */
export async function createHttpApplication(
  module: Type | DynamicModule,
  log: Log,
  { trustedProxies = [] }: Partial<Pick<HttpSettings, 'trustedProxies'>> = {},
): Promise<NestFastifyApplication> {
  const random = new CryptoRandom()
  const newRequestId = () => newId(random, 'req')
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    genReqId: newRequestId,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
    forceCloseConnections: 'idle',
    frameworkErrors: refuseUnroutable(log),
    clientErrorHandler: refuseUnreadable(log, newRequestId),
    requestTimeout: REQUEST_TIMEOUT,
    // Without `requireHostHeader` Node answers by itself, with nothing to ask about; `onRequest` refuses in its place.
    http: { headersTimeout: HEADERS_TIMEOUT, connectionsCheckingInterval: seconds(1), requireHostHeader: false },
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
  })
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    logger: new NestLog(log),
    abortOnError: false,
  })
  const fastify = adapter.getInstance() as unknown as FastifyInstance
  const routes = app.get(RouteTable, { strict: false })
  fastify.addHook('onRoute', (route) => routes.add(route))
  readBodies(fastify)
  leaveBodiesToPassOn(fastify)
  nameAndLogRequests(fastify, log)
  noteOrigins(fastify)
  traceRequests(fastify)
  warnOfUnnamedProxies(fastify, log)
  letConnectionsGo(fastify)
  ignoreExpectations(fastify)
  await app.register(cookie as never)
  app.useGlobalFilters(new ErrorFilter(log))
  return app
}

/** Requests are read by read-input. Without this Fastify would load compilers of JSON schemas at each start, 150 modules. */
const noSchemas = () => {
  throw new Error('a route has a Fastify schema: read its input by read-input instead')
}

function readBodies(fastify: FastifyInstance) {
  fastify.removeAllContentTypeParsers()
  const parseJson = fastify.getDefaultJsonParser('error', 'error')
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // SDKs declare JSON on requests without a body.
    if (body === '') done(null, undefined)
    else parseJson(request, body as string, done)
  })
  fastify.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, parseForm(body as string)),
  )
  // Left unread: only a few pages take files, by read-upload.
  fastify.addContentTypeParser('multipart/form-data', (_request, _body, done) => done(null, undefined))
}

/** Here as in what follows: hooks that call back, because an async one costs every request promises that nobody needs. */
function nameAndLogRequests(fastify: FastifyInstance, log: Log) {
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.headers(ANSWER_HEADERS).header('x-request-id', request.id)
    done(refusalOf(request.headers, request.raw.httpVersion))
  })
  fastify.addHook('onResponse', (request, reply, done) => {
    // The route's pattern and never the URL: queries carry codes and states.
    const route = request.routeOptions.url ?? 'none'
    if (route.startsWith('/health/')) return done()
    const status = `${Math.floor(reply.statusCode / 100)}xx` as '2xx'
    HTTP_REQUESTS.observe({ route, status }, reply.elapsedTime / 1000)
    log.info('request.answered', {
      request: request.id,
      method: request.method,
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    })
    done()
  })
}

/** Not earlier: what reads a body goes on where the socket's events come from, and that is nobody's call. */
function noteOrigins(fastify: FastifyInstance) {
  fastify.addHook('preHandler', ({ ip, id }, _reply, done) => {
    // A trusted proxy may hand on whatever a caller wrote in its place.
    withOrigin({ actor: 'anonymous', address: isIP(ip) ? ip : null, requestId: id }, done)
  })
}

/** After the origin, for the same reason. */
function traceRequests(fastify: FastifyInstance) {
  const traced = new WeakMap<FastifyRequest, TracedRequest>()
  fastify.addHook('preHandler', (request, _reply, done) => {
    if (!isTracing()) return done()
    const route = request.routeOptions.url ?? 'none'
    const span = route.startsWith('/health/')
      ? null
      : traceRequest(`${request.method} ${route}`, route, request.headers)
    if (!span) return done()
    traced.set(request, span)
    span.within(done)
  })
  fastify.addHook('onResponse', (request, reply, done) => {
    traced.get(request)?.answered(reply.statusCode)
    done()
  })
}

/** A connection kept alive after an answer that was in hand at the stop would hold the process for more than a minute. */
function letConnectionsGo(fastify: FastifyInstance) {
  let isClosing = false
  fastify.addHook('preClose', async () => {
    isClosing = true
  })
  fastify.addHook('onSend', (_request, reply, _payload, done) => {
    if (isClosing) reply.header('connection', 'close')
    done()
  })
}

/** Node refuses an unknown `Expect` by itself, with nothing to ask about; RFC 9110 section 10.1.1 lets a server take no notice. */
function ignoreExpectations({ server }: FastifyInstance) {
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
}
