import type { FastifyRequest } from 'fastify'
import { ShiftableClock } from '../core/shiftable-clock.js'
import { StandIn } from '../core/stand-in.js'
import { bearerOf } from './access-tokens.js'
import { ADMIN_CONSOLE, registerAdminConsoleRoutes } from './admin-console.routes.js'
import { registerCalendarRoutes } from './calendar.routes.js'
import { registerDirectoryRoutes } from './directory.routes.js'
import { badRequest, GOOGLE_ERRORS, unknownPath } from './errors.js'
import { GoogleWorld } from './google-world.js'
import { IdTokenSigner } from './id-token.js'
import { decodeAssertion } from './jwt-bearer-grant.js'
import { googleMutations } from './mutations.js'
import { registerOAuthRoutes } from './oauth.routes.js'
import { type GoogleSeed, googleSeed } from './seed.js'
import { registerSignInRoutes } from './sign-in.routes.js'
import { registerWorkloadIdentityRoutes } from './workload-identity.routes.js'
import { worldAsJson } from './world-as-json.js'

/**
 * Every host of Google that Mandate talks to, at the root of one origin: oauth2, www, admin, openidconnect, sts and
 * iamcredentials under googleapis.com, and accounts.google.com. Their paths do not collide.
 */
export async function startGoogle({ port, seed }: { port: number; seed: GoogleSeed }): Promise<StandIn> {
  const clock = new ShiftableClock()
  const world = new GoogleWorld(seed, clock)
  const standIn = new StandIn({
    name: 'google',
    about: 'Google: tokens, sign-in, Directory and Calendar, on one origin.',
    tryThis: [
      `GET ${ADMIN_CONSOLE} (in a browser: add domain-wide delegation)`,
      'POST /token grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=…',
      'GET /o/oauth2/v2/auth?client_id=…&redirect_uri=…&response_type=code&scope=openid+email (in a browser)',
      'GET /admin/directory/v1/users?customer=my_customer',
      'GET /calendar/v3/users/me/calendarList',
      'GET /calendar/v3/calendars/primary/events',
    ],
    clock,
    errors: GOOGLE_ERRORS,
    mutations: googleMutations(world),
    seed: { schema: googleSeed, load: (given) => world.load(given as GoogleSeed) },
    state: () => worldAsJson(world),
    subjectOf: (request) => subjectOf(world, request),
    unreadable: (status, message) => (status === 404 ? unknownPath() : { ...badRequest(message).answer, status }),
  })
  registerOAuthRoutes(standIn.http, world, await IdTokenSigner.create(clock))
  registerSignInRoutes(standIn.http, world)
  registerAdminConsoleRoutes(standIn.http, world, (name, input) => standIn.mutate(name, input))
  registerDirectoryRoutes(standIn.http, world)
  registerCalendarRoutes(standIn.http, world)
  registerWorkloadIdentityRoutes(standIn.http, world)
  await standIn.listen(port)
  return standIn
}

/** Whom a request acts as: the token's subject, the assertion's, or who is signing in. */
function subjectOf(world: GoogleWorld, request: FastifyRequest): string | null {
  const bearer = bearerOf(request.headers.authorization)
  if (bearer !== null) return world.tokens.find(bearer)?.subject.email ?? null
  const { assertion, email } = (request.body ?? {}) as { assertion?: unknown; email?: unknown }
  if (typeof email === 'string') return email
  if (typeof assertion !== 'string') return null
  const { sub, iss } = decodeAssertion(assertion)?.claims ?? {}
  return sub ?? iss ?? null
}
