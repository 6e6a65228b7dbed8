import { AadstsError } from '../aadsts.js'
import { authorityOfCloud, CLOUDS, knows } from '../clouds.js'
import { ANY_TENANT, type MicrosoftWorld } from '../microsoft-world.js'
import { type Registration, servesTenant } from '../registration.js'
import type { Fields } from '../request.js'
import type { ServicePrincipal, Tenant } from '../tenant.js'
import { authenticateClient } from './authenticate-client.js'
import type { AssertionContext } from './client-assertion.js'

/** An app-only token, after the checks in the order in which Microsoft makes them. */
export function clientCredentials(world: MicrosoftWorld, segment: string, form: Fields, context: AssertionContext) {
  if (ANY_TENANT.has(segment)) throw new AadstsError(9001023)
  const tenant = world.getTenant(segment)
  const registration = getRegistration(world, form.client_id, tenant, context.authority)
  const principal = getServicePrincipal(world, tenant, registration)
  authenticateClient(registration, form, context)
  refuseScope(form.scope, tenant)
  if (tenant.blockedByPolicy) throw new AadstsError(53003)
  const seconds = world.accessTokenSeconds
  return {
    token_type: 'Bearer',
    expires_in: seconds,
    ext_expires_in: seconds,
    access_token: world.tokens.issueAppToken(tenant, principal, registration.clientId, seconds),
  }
}

/** What the login of one cloud says when it is asked for a tenant of another. */
export function refuseOtherCloud(authority: string, tenant: Tenant, code: 90038 | 900382): void {
  if (!knows(authority, tenant.cloud)) throw new AadstsError(90002, { tenant: tenant.defaultDomain })
  if (authorityOfCloud(tenant.cloud) !== authority)
    throw new AadstsError(code, { tenant: tenant.defaultDomain, cloud: CLOUDS[tenant.cloud].instance })
}

/**
 * @param meant the host of Microsoft's that the caller addressed; null where it does not say
 * @throws AADSTS700016 also for a single-tenant app asked for from elsewhere, and for an app of another cloud
 */
export function getRegistration(
  world: MicrosoftWorld,
  clientId: string | undefined,
  tenant: Tenant | null,
  meant: string | null,
): Registration {
  if (!clientId) throw new AadstsError(900144, { parameter: 'client_id' })
  const registration = world.findRegistration(clientId)
  const authority = meant ?? (registration ? authorityOfCloud(registration.cloud) : null)
  if (tenant && authority) refuseOtherCloud(authority, tenant, 900382)
  const isHere = registration && authorityOfCloud(registration.cloud) === authority
  if (!isHere || (tenant && !servesTenant(registration, tenant.id)))
    throw new AadstsError(700016, { client: clientId, tenant: tenant?.displayName ?? 'organizations' })
  return registration
}

function getServicePrincipal(world: MicrosoftWorld, tenant: Tenant, { clientId }: Registration): ServicePrincipal {
  const principal = tenant.principals.get(clientId)
  if (!principal || world.clock.nowMs() < principal.installedAt)
    throw new AadstsError(7000229, { client: clientId, tenant: tenant.id })
  if (!principal.enabled) throw new AadstsError(7000112, { client: clientId })
  return principal
}

function refuseScope(scope: string | undefined, tenant: Tenant): void {
  if (!scope) throw new AadstsError(900144, { parameter: 'scope' })
  const scopes = scope.split(' ').filter((one) => !['openid', 'profile', 'offline_access'].includes(one))
  const resources = new Set(scopes.map((one) => one.replace(/\/[^/]*$/, '')))
  if (resources.size > 1) throw new AadstsError(700022)
  const [resource] = resources
  if (resource === undefined) throw new AadstsError(70011, { scope })
  if (!scopes.every((one) => one.endsWith('/.default'))) throw new AadstsError(1002012, { scope })
  if (resource !== `https://${CLOUDS[tenant.cloud].graph}`)
    throw new AadstsError(500011, { resource, tenant: tenant.displayName })
}
