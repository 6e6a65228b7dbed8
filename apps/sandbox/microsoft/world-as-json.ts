import type { MicrosoftWorld } from './microsoft-world.js'
import type { Registration } from './registration.js'
import type { Tenant } from './tenant.js'

/** For `GET /__sandbox/state`: everything but secrets, tokens and keys; of very many people the first hundred. */
export const worldAsJson = ({ consentDelay, tenants, registrations }: MicrosoftWorld) => ({
  consentDelay,
  tenants: tenants.map(tenantAsJson),
  registrations: registrations.map(registrationAsJson),
})

const tenantAsJson = (tenant: Tenant) => ({
  id: tenant.id,
  displayName: tenant.displayName,
  domains: tenant.domains,
  cloud: tenant.cloud,
  exchange: tenant.exchange,
  blockedByPolicy: tenant.blockedByPolicy,
  servicePrincipals: [...tenant.principals].map(([clientId, { id, enabled, roles, rolesAt }]) => ({
    clientId,
    id,
    enabled,
    roles: [...roles],
    effectiveAt: new Date(rolesAt).toISOString(),
  })),
  mailboxPolicies: [...tenant.mailboxPolicies].map(([clientId, { kind, mailboxes }]) => ({
    clientId,
    kind,
    mailboxes: [...mailboxes],
  })),
  numberOfUsers: tenant.users.length,
  users: tenant.users.slice(0, 100),
  roomLists: tenant.roomLists,
})

const registrationAsJson = ({ secrets, certificates, ...registration }: Registration) => ({
  ...registration,
  secrets: secrets.map(({ expiresAt }) => ({
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
  })),
  certificates: certificates.map(({ sha256, certificate: { subject, validTo } }) => ({
    'x5t#S256': sha256,
    subject,
    validTo,
  })),
})
