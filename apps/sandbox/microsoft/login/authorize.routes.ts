import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AadstsError } from '../aadsts.js'
import type { MicrosoftWorld } from '../microsoft-world.js'
import { type Fields, fieldsOf, queryOf } from '../request.js'
import {
  getSignedIn,
  type LoginRequest,
  mayGrantConsent,
  readLoginRequest,
  refusalParams,
  sendBack,
} from './login-request.js'
import { refusalPage, sendPage, signedOutPage, signInPage } from './pages.js'
import type { InTenant } from './token.routes.js'
import { scopesOf } from './user-grants.js'

/** Delegated permissions that only an administrator can accept. */
const needsAdministrator = (scope: string) => /\.(All|Directory)$/.test(scope) && scope !== 'User.ReadBasic.All'

/** The end user's code flow. Choosing an account also accepts what the app asks for: there is no third screen here. */
export function registerAuthorizeRoutes(http: FastifyInstance, world: MicrosoftWorld): void {
  http.get<InTenant>('/:tenant/oauth2/v2.0/authorize', async (request, reply) =>
    showingRefusals(request, reply, () => start(world, request, reply)),
  )
  http.post<InTenant>('/:tenant/oauth2/v2.0/authorize', async (request, reply) =>
    showingRefusals(request, reply, () => finish(world, request, reply)),
  )
  http.get<InTenant>('/:tenant/oauth2/v2.0/logout', async (request, reply) => {
    const to = queryOf(request).post_logout_redirect_uri
    const known = to && world.registrations.some(({ redirectUris }) => redirectUris.includes(to))
    return known ? reply.redirect(to) : sendPage(reply, signedOutPage())
  })
}

/** What is refused before the app is trusted, or about the account, is shown here and goes no further. */
export function showingRefusals(request: FastifyRequest, reply: FastifyReply, step: () => FastifyReply): FastifyReply {
  try {
    return step()
  } catch (refusal) {
    if (!(refusal instanceof AadstsError)) throw refusal
    return sendPage(reply, refusalPage(refusal, { action: request.url }), refusal.status)
  }
}

function start(world: MicrosoftWorld, request: FastifyRequest<InTenant>, reply: FastifyReply): FastifyReply {
  const query = queryOf(request)
  const login = readLoginRequest(world, request.params.tenant, query)
  const unfit = findUnfit(query)
  if (unfit) return sendBack(reply, login, refusalParams(unfit), query.response_mode)
  return sendPage(reply, page(world, request, login))
}

/** A request that Microsoft sends back unanswered. */
function findUnfit({
  response_type,
  scope,
  prompt,
  code_challenge,
  code_challenge_method,
}: Fields): AadstsError | null {
  if (response_type !== 'code') return new AadstsError(700051, { type: response_type ?? '' })
  if (!scope) return new AadstsError(900144, { parameter: 'scope' })
  if (code_challenge && code_challenge_method !== 'S256')
    return new AadstsError(9000411, { parameter: 'code_challenge_method' })
  // Nobody is ever signed in here already.
  if (prompt === 'none') return new AadstsError(50058)
  return null
}

function finish(world: MicrosoftWorld, request: FastifyRequest<InTenant>, reply: FastifyReply): FastifyReply {
  const query = queryOf(request)
  const { account = '', cancel } = fieldsOf(request)
  const login = readLoginRequest(world, request.params.tenant, query)
  const unfit = findUnfit(query) ?? (cancel ? new AadstsError(65004) : null)
  if (unfit) return sendBack(reply, login, refusalParams(unfit), query.response_mode)
  if (!world.findAccount(account))
    return sendPage(reply, page(world, request, login, `We couldn't find an account with the username ${account}.`))
  const { tenant, user } = getSignedIn(world, account, login)
  const { clientId } = login.registration
  const scopes = scopesOf(query.scope ?? '')
  const consented = (tenant.principals.get(clientId)?.roles.size ?? 0) > 0
  if (!consented && !mayGrantConsent(user) && scopes.some(needsAdministrator)) throw new AadstsError(90094)
  world.install(tenant, clientId)
  const signIn = { tenantId: tenant.id, userId: user.id, clientId, scopes, nonce: query.nonce ?? null }
  const code = world.tokens.issueCode(signIn, login.redirectUri, query.code_challenge ?? null)
  return sendBack(reply, login, { code, session_state: randomUUID() }, query.response_mode)
}

function page(world: MicrosoftWorld, request: FastifyRequest, login: LoginRequest, problem?: string): string {
  const query = queryOf(request)
  return signInPage(world, {
    action: request.url,
    appName: login.registration.displayName,
    purpose: `By signing in you accept what it asks for: ${scopesOf(query.scope ?? '').join(', ')}.`,
    tenant: login.tenant,
    loginHint: query.login_hint ?? '',
    ...(problem ? { problem } : {}),
  })
}
