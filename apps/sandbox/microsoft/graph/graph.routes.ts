import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { MicrosoftWorld } from '../microsoft-world.js'
import { registerBatchRoute } from './batch.routes.js'
import { registerCalendarsRoutes } from './calendars.routes.js'
import { GraphError, graphErrorBody } from './graph-errors.js'
import { registerPlacesRoutes } from './places.routes.js'
import { registerUserinfoRoute, registerUsersRoutes } from './users.routes.js'

const REQUEST_ID = 'request-id'

/** Microsoft Graph v1.0, as much of it as a calendar broker meets. */
export function registerGraphRoutes(http: FastifyInstance, world: MicrosoftWorld): void {
  http.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => {
      const id = randomUUID()
      const { 'client-request-id': clientId = id } = request.headers
      reply.headers({ [REQUEST_ID]: id, 'client-request-id': clientId })
    })
    scope.setErrorHandler((error, _request, reply) => {
      if (!(error instanceof GraphError)) throw error
      return sendGraphError(reply, error, world)
    })
    registerUserinfoRoute(scope, world)
    scope.register(
      async (v1) => {
        registerUsersRoutes(v1, world)
        registerCalendarsRoutes(v1, world)
        registerPlacesRoutes(v1, world)
        registerBatchRoute(v1)
        v1.all<{ Params: { '*': string } }>('/*', async (request) => {
          throw new GraphError('graph.no_such_segment', { segment: request.params['*'].split('/').at(-1) ?? '' })
        })
      },
      { prefix: '/v1.0' },
    )
  })
}

function sendGraphError(reply: FastifyReply, error: GraphError, world: MicrosoftWorld): FastifyReply {
  const [requestId, clientRequestId] = [reply.getHeader(REQUEST_ID), reply.getHeader('client-request-id')].map(String)
  return reply
    .code(error.status)
    .type('application/json; charset=utf-8')
    .send(graphErrorBody(error, world.clock.now(), requestId as string, clientRequestId))
}
