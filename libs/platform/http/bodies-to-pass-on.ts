import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiError } from '#platform/errors/api-error.js'

const unread = new WeakMap<FastifyRequest, AsyncIterable<Uint8Array>>()

/**
 * Leaves the body unread where a route passes it on: nobody who has not been let in yet can make us hold it, and it goes out
 * as it comes in. What Fastify judges by headers alone (kind, announced length) it still refuses.
 */
export function leaveBodiesToPassOn(fastify: FastifyInstance): void {
  fastify.addHook('preParsing', (request, _reply, payload, done) => {
    const isPassedOn = request.routeOptions.config.described?.body === 'passed on'
    if (!isPassedOn || !hasBody(request)) return done(null, payload)
    unread.set(request, payload)
    // In its place the parser is given nothing, as long as was announced.
    const nothing = Object.assign(Readable.from([]), { receivedEncodedLength: announced(request) })
    done(null, nothing)
  })
  fastify.addHook('onSend', ({ raw }, reply, _payload, done) => {
    // What is left of a body that was not taken to its end would be read as the next request.
    if (raw.destroyed && !raw.complete) reply.header('connection', 'close')
    done()
  })
}

/** Null where there is none. Breaks off with 413 beyond the route's limit, which a length that was not announced can pass. */
export function bodyToPassOn(request: FastifyRequest): AsyncIterable<Uint8Array> | null {
  const body = unread.get(request)
  return body ? within(request.routeOptions.bodyLimit, body) : null
}

const hasBody = (request: FastifyRequest) =>
  request.headers['transfer-encoding'] !== undefined || announced(request) > 0

const announced = ({ headers }: FastifyRequest) => Number(headers['content-length'] ?? 0)

/** @throws ApiError too_large */
export async function* within(limit: number, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let length = 0
  for await (const chunk of body) {
    length += chunk.byteLength
    if (length > limit) throw new ApiError({ code: 'too_large', status: 413, publicText: 'The body is too large.' })
    yield chunk
  }
}
