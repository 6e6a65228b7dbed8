import cookie from '@fastify/cookie'
import multipart from '@fastify/multipart'
import type { DynamicModule, Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Log } from '#platform/observability/log.js'
import { NestLog } from '#platform/observability/nest-log.js'
import { CryptoRandom, newId } from '#platform/secrets/random.js'
import { ErrorFilter } from './error.filter.js'
import { parseForm } from './parse-form.js'

/** A batch of 50 requests, each with a callback URL and a state of some 2,000 characters, fits with room to spare. */
const BODY_LIMIT = 256 * 1024
/** A key file has 2.4 KB and a certificate with its key less than 10. */
const UPLOAD_LIMIT = 64 * 1024

/** A Nest application on Fastify, with the manners that every route of ours shares. The caller listens and closes. */
export async function createHttpApplication(module: Type | DynamicModule, log: Log): Promise<NestFastifyApplication> {
  const random = new CryptoRandom()
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    genReqId: () => newId(random, 'req'),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
    forceCloseConnections: 'idle',
    frameworkErrors: refuseUnroutable,
  })
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    logger: new NestLog(log),
    abortOnError: false,
  })
  const fastify = adapter.getInstance() as unknown as FastifyInstance
  readBodies(fastify)
  nameAndLogRequests(fastify, log)
  letConnectionsGo(fastify)
  await app.register(cookie as never)
  await app.register(multipart as never, {
    limits: { fileSize: UPLOAD_LIMIT, files: 2, fields: 20, fieldSize: UPLOAD_LIMIT },
  })
  app.useGlobalFilters(new ErrorFilter(log))
  return app
}

/** A URL that cannot even be routed (`/%zz`) never reaches Nest and its filter. */
function refuseUnroutable(_error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  return reply
    .status(404)
    .headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
    .send({ error: 'not_found', error_description: 'The path is not valid percent-encoded text.' })
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
}

function nameAndLogRequests(fastify: FastifyInstance, log: Log) {
  fastify.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    reply.header('x-content-type-options', 'nosniff')
    reply.header('cache-control', 'no-store')
  })
  fastify.addHook('onResponse', async (request, reply) => {
    // The route's pattern and never the URL: queries carry codes and states.
    const route = request.routeOptions.url ?? 'none'
    if (route.startsWith('/health/')) return
    log.info('request.answered', {
      request: request.id,
      method: request.method,
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    })
  })
}

/** A connection kept alive after an answer that was in hand at the stop would hold the process for more than a minute. */
function letConnectionsGo(fastify: FastifyInstance) {
  let isClosing = false
  fastify.addHook('preClose', async () => {
    isClosing = true
  })
  fastify.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close')
  })
}
