import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AadstsError } from '../aadsts.js'
import type { MicrosoftWorld } from '../microsoft-world.js'
import { fieldsOf, queryOf } from '../request.js'
import { showingRefusals } from './authorize.routes.js'
import {
  getSignedIn,
  type LoginRequest,
  mayGrantConsent,
  readLoginRequest,
  refusalParams,
  sendBack,
} from './login-request.js'
import { consentPage, sendPage, signInPage } from './pages.js'
import type { InTenant } from './token.routes.js'

/**
 * An administrator's consent for the whole organisation, in two screens: sign in (which says which organisation), then
 * accept. Whoever is not an administrator ends on a page of ours: the app never hears of it.
 */
export function registerAdminConsentRoutes(http: FastifyInstance, world: MicrosoftWorld): void {
  for (const path of ['/:tenant/adminconsent', '/:tenant/v2.0/adminconsent']) {
    http.get<InTenant>(path, async (request, reply) =>
      showingRefusals(request, reply, () => sendPage(reply, page(world, request, readConsentRequest(world, request)))),
    )
    http.post<InTenant>(path, async (request, reply) =>
      showingRefusals(request, reply, () => next(world, request, reply, readConsentRequest(world, request))),
    )
  }
}

const isV2 = (request: FastifyRequest<InTenant>) => request.url.startsWith(`/${request.params.tenant}/v2.0/`)

function readConsentRequest(world: MicrosoftWorld, request: FastifyRequest<InTenant>): LoginRequest {
  const query = queryOf(request)
  const login = readLoginRequest(world, request.params.tenant, query)
  if (isV2(request) && !query.scope) throw new AadstsError(900144, { parameter: 'scope' })
  if (isV2(request) && request.params.tenant === 'common') throw new AadstsError(9000411, { parameter: 'tenant' })
  return login
}

function next(
  world: MicrosoftWorld,
  request: FastifyRequest<InTenant>,
  reply: FastifyReply,
  login: LoginRequest,
): FastifyReply {
  const { account = '', cancel, decision } = fieldsOf(request)
  // Also on a refusal, as the real one does: whoever reads only this parameter is fooled.
  const refuse = (why: AadstsError) =>
    sendBack(reply, login, { ...refusalParams(why), error: 'access_denied', admin_consent: 'True' })
  if (cancel || decision === 'cancel') return refuse(new AadstsError(65004))
  const found = world.findAccount(account)
  if (!found)
    return sendPage(reply, page(world, request, login, `We couldn't find an account with the username ${account}.`))
  if (login.tenant && found.tenant !== login.tenant)
    return refuse(new AadstsError(50020, { user: account, home: found.tenant.id, tenant: login.tenant.displayName }))
  const { tenant, user } = getSignedIn(world, account, login)
  if (!mayGrantConsent(user)) throw new AadstsError(90094)
  const { clientId, displayName, permissions } = login.registration
  if (decision !== 'accept')
    return sendPage(reply, consentPage({ action: request.url, appName: displayName, user, tenant, permissions }))
  world.grantConsent(tenant, clientId, permissions)
  const { scope } = queryOf(request)
  return sendBack(reply, login, {
    admin_consent: 'True',
    tenant: tenant.id,
    ...(isV2(request) && scope ? { scope } : {}),
  })
}

function page(world: MicrosoftWorld, request: FastifyRequest, login: LoginRequest, problem?: string): string {
  const { login_hint: loginHint = '' } = queryOf(request)
  return signInPage(world, {
    action: request.url,
    appName: login.registration.displayName,
    purpose: 'Sign in as an administrator of the organisation that should grant it access.',
    tenant: login.tenant,
    loginHint,
    ...(problem ? { problem } : {}),
  })
}
