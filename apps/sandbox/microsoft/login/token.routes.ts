import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AadstsError, aadstsBody } from '../aadsts.js'
import { ANY_TENANT, type MicrosoftWorld } from '../microsoft-world.js'
import { type Fields, meantHost, originOf } from '../request.js'
import { formOf } from './authenticate-client.js'
import type { AssertionContext } from './client-assertion.js'
import { clientCredentials } from './client-credentials.js'
import { authorizationCode, refreshToken } from './user-grants.js'

type Grant = (world: MicrosoftWorld, segment: string, form: Fields, context: AssertionContext) => object

const GRANTS: Readonly<Record<string, Grant>> = {
  client_credentials: clientCredentials,
  authorization_code: authorizationCode,
  refresh_token: refreshToken,
}

export interface InTenant {
  Params: { tenant: string }
}

export function registerTokenRoutes(http: FastifyInstance, world: MicrosoftWorld): void {
  http.post<InTenant>('/:tenant/oauth2/v2.0/token', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store, no-cache', pragma: 'no-cache', 'x-ms-request-id': randomUUID() })
    try {
      return answer(world, request)
    } catch (refusal) {
      return sendRefusal(reply, refusal, world, formOf(request)['client-request-id'])
    }
  })
}

function answer(world: MicrosoftWorld, request: FastifyRequest<InTenant>): object {
  const form = formOf(request)
  const segment = request.params.tenant
  if (!form.grant_type) throw new AadstsError(900144, { parameter: 'grant_type' })
  const grant = Object.hasOwn(GRANTS, form.grant_type) ? GRANTS[form.grant_type] : undefined
  if (!grant) throw new AadstsError(70003, { grant: form.grant_type })
  const tenant = ANY_TENANT.has(segment) ? null : world.findTenant(segment)
  return grant(world, segment, form, {
    nowMs: world.clock.nowMs(),
    tenantNames: tenant ? [segment, tenant.id] : [segment],
    origin: originOf(request),
    authority: meantHost(request),
  })
}

/** @throws whatever is not Microsoft's refusal */
export function sendRefusal(
  reply: FastifyReply,
  refusal: unknown,
  world: MicrosoftWorld,
  correlationId?: string,
  error?: string,
): FastifyReply {
  if (!(refusal instanceof AadstsError)) throw refusal
  return reply.code(refusal.status).send(aadstsBody(refusal, world.clock.now(), correlationId, error))
}
