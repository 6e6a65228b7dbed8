import { AadstsError } from '../aadsts.js'
import { CLOUDS } from '../clouds.js'
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
  refuseOtherCloud(world, tenant)
  const registration = getRegistration(world, form.client_id, tenant)
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

export function refuseOtherCloud(world: MicrosoftWorld, tenant: Tenant): void {
  if (tenant.cloud !== world.cloud)
    throw new AadstsError(90038, { tenant: tenant.defaultDomain, cloud: CLOUDS[tenant.cloud].instance })
}

/** @throws AADSTS700016 also for a single-tenant app asked for from elsewhere */
export function getRegistration(
  world: MicrosoftWorld,
  clientId: string | undefined,
  tenant: Tenant | null,
): Registration {
  if (!clientId) throw new AadstsError(900144, { parameter: 'client_id' })
  const registration = world.findRegistration(clientId)
  if (!registration || (tenant && !servesTenant(registration, tenant.id)))
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
