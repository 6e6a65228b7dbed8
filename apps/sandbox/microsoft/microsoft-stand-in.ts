import { randomUUID } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { ShiftableClock } from '../core/shiftable-clock.js'
import { StandIn } from '../core/stand-in.js'
import { MICROSOFT_ERRORS } from './errors.js'
import { registerGraphRoutes } from './graph/graph.routes.js'
import { GraphError, graphErrorBody } from './graph/graph-errors.js'
import { registerAdminConsentRoutes } from './login/admin-consent.routes.js'
import { registerAuthorizeRoutes } from './login/authorize.routes.js'
import { registerDiscoveryRoutes } from './login/discovery.routes.js'
import { registerTokenRoutes } from './login/token.routes.js'
import { MicrosoftWorld } from './microsoft-world.js'
import { microsoftMutations } from './mutations.js'
import { fieldsOf } from './request.js'
import { type MicrosoftSeed, microsoftSeed } from './seed.js'
import { signingKey } from './signing-key.js'
import { worldAsJson } from './world-as-json.js'

/**
 * login.microsoftonline.com and graph.microsoft.com at the root of one origin: their paths do not collide, and with a
 * prefix in front MSAL would take it for the tenant.
 */
export async function startMicrosoft({ port, seed }: { port: number; seed: MicrosoftSeed }): Promise<StandIn> {
  const clock = new ShiftableClock()
  const world = new MicrosoftWorld(seed, clock, await signingKey())
  const standIn = new StandIn({
    name: 'microsoft',
    about: 'Microsoft: sign-in, admin consent, tokens and Graph, on one origin.',
    tryThis: [
      'GET /{tenant}/v2.0/.well-known/openid-configuration',
      'GET /organizations/v2.0/adminconsent?client_id=…&scope=https://graph.microsoft.com/.default&redirect_uri=… (in a browser)',
      'GET /organizations/oauth2/v2.0/authorize?client_id=…&response_type=code&scope=openid+profile&redirect_uri=… (in a browser)',
      'POST /{tenant}/oauth2/v2.0/token grant_type=client_credentials&client_id=…&client_secret=…&scope=https://graph.microsoft.com/.default',
      'GET /v1.0/users',
      'GET /v1.0/users/{address}/calendarView?startDateTime=…&endDateTime=…',
    ],
    clock,
    errors: MICROSOFT_ERRORS,
    mutations: microsoftMutations(world),
    seed: { schema: microsoftSeed, load: (given) => world.load(given as MicrosoftSeed) },
    state: () => worldAsJson(world),
    subjectOf: (request) => subjectOf(world, request),
    unreadable: (status, what) => ({
      status,
      json: graphErrorBody(new GraphError('graph.bad_request', { what }), clock.now(), randomUUID()),
    }),
  })
  registerDiscoveryRoutes(standIn.http, world)
  registerTokenRoutes(standIn.http, world)
  registerAuthorizeRoutes(standIn.http, world)
  registerAdminConsentRoutes(standIn.http, world)
  registerGraphRoutes(standIn.http, world)
  await standIn.listen(port)
  return standIn
}

/** Whose mailbox a request opens, or who is signing in; for an app's token request, the tenant. */
function subjectOf(world: MicrosoftWorld, request: FastifyRequest): string | null {
  const { user, tenant } = request.params as { user?: string; tenant?: string }
  if (user !== undefined) return user
  const { account } = fieldsOf(request)
  if (account !== undefined) return account
  if (tenant !== undefined) return world.findTenant(tenant)?.defaultDomain ?? tenant
  const access = world.tokens.findAccess(request.headers.authorization?.split(' ')[1] ?? '')
  const me = access?.userId ? world.findTenant(access.tenantId)?.findAccount(access.userId) : null
  return me?.upn ?? null
}
