import type { FastifyReply } from 'fastify'
import { AadstsError } from '../aadsts.js'
import { authorityOfCloud } from '../clouds.js'
import { ANY_TENANT, type MicrosoftWorld } from '../microsoft-world.js'
import { acceptsRedirect, type Registration, servesTenant } from '../registration.js'
import type { Fields } from '../request.js'
import type { Tenant, User } from '../tenant.js'
import { getRegistration, refuseOtherCloud } from './client-credentials.js'
import { formPostPage, sendPage } from './pages.js'

/** What a browser has come with, as far as it is trustworthy: from here on a refusal may be sent to `redirectUri`. */
export interface LoginRequest {
  /** Null when any organisation may sign in. */
  tenant: Tenant | null
  registration: Registration
  redirectUri: string
  state: string | undefined
}

/** @throws AadstsError to be shown here: an unknown app or address must never be redirected to */
export function readLoginRequest(world: MicrosoftWorld, segment: string, query: Fields): LoginRequest {
  const tenant = ANY_TENANT.has(segment) ? null : world.getTenant(segment)
  // No browser says which cloud was meant: it is the app's.
  const registration = getRegistration(world, query.client_id, null, null)
  if (tenant) refuseOtherCloud(authorityOfCloud(registration.cloud), tenant, 90038)
  if (tenant && !servesTenant(registration, tenant.id))
    throw new AadstsError(700016, { client: registration.clientId, tenant: tenant.displayName })
  if (!tenant && registration.audience !== 'organizations')
    throw new AadstsError(50194, { client: registration.clientId })
  if (!query.redirect_uri) throw new AadstsError(900144, { parameter: 'redirect_uri' })
  if (!acceptsRedirect(registration, query.redirect_uri))
    throw new AadstsError(50011, { redirect: query.redirect_uri, client: registration.clientId })
  return { tenant, registration, redirectUri: query.redirect_uri, state: query.state }
}

/**
 * Who has signed in, once Microsoft is willing to go on with them.
 * @throws AadstsError 50034 nobody, 50020 another directory, 50057 disabled, 53003 policy, 7000112 app switched off
 */
export function getSignedIn(world: MicrosoftWorld, account: string, { tenant, registration }: LoginRequest) {
  const found = world.findAccount(account)
  if (!found || found.user.room)
    throw new AadstsError(50034, { user: account, tenant: tenant?.displayName ?? 'organizations' })
  const client = registration.clientId
  if ((tenant && found.tenant !== tenant) || !servesTenant(registration, found.tenant.id))
    throw new AadstsError(50020, { user: account, home: found.tenant.id, tenant: tenant?.displayName ?? '', client })
  refuseOtherCloud(authorityOfCloud(registration.cloud), found.tenant, 90038)
  if (!found.user.accountEnabled) throw new AadstsError(50057)
  if (found.tenant.blockedByPolicy) throw new AadstsError(53003)
  if (found.tenant.principals.get(client)?.enabled === false) throw new AadstsError(7000112, { client })
  return found
}

/** Application permissions of Graph can be granted by these two roles, and by no lesser administrator. */
export const mayGrantConsent = ({ roles }: User) =>
  roles.includes('Global Administrator') || roles.includes('Privileged Role Administrator')

export const refusalParams = ({ code, message, error }: AadstsError) => ({
  error,
  error_description: `AADSTS${code}: ${message}`,
  error_uri: `https://login.microsoftonline.com/error?code=${code}`,
})

/** Sends the browser back to the app. */
export function sendBack(
  reply: FastifyReply,
  { redirectUri, state }: LoginRequest,
  answer: Record<string, string>,
  mode = 'query',
): FastifyReply {
  const params = { ...answer, ...(state === undefined ? {} : { state }) }
  if (mode === 'form_post') return sendPage(reply, formPostPage(redirectUri, params))
  const to = new URL(redirectUri)
  if (mode === 'fragment') to.hash = new URLSearchParams(params).toString()
  else for (const [name, value] of Object.entries(params)) to.searchParams.append(name, value)
  return reply.redirect(to.href)
}
