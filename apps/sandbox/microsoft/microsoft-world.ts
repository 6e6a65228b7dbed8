import { ChangedEvents } from '../core/changed-events.js'
import type { ShiftableClock } from '../core/shiftable-clock.js'
import { AadstsError } from './aadsts.js'
import type { Event } from './graph/events.js'
import { type Registration, registrationFrom } from './registration.js'
import type { MicrosoftSeed } from './seed.js'
import type { SigningKey } from './signing-key.js'
import { guidOf, type ServicePrincipal, Tenant, type User } from './tenant.js'
import { Tokens } from './tokens.js'

/** Segments of a login URL that stand for "whoever signs in" instead of one tenant. */
export const ANY_TENANT = new Set(['common', 'organizations', 'consumers'])

/** Everything that the Microsoft stand-in knows. `load` replaces all of it, tokens included. */
export class MicrosoftWorld {
  accessTokenSeconds!: number
  consentDelay!: MicrosoftSeed['consentDelay']
  tokens!: Tokens
  changedEvents!: ChangedEvents<Event & { id: string }>
  #tenants = new Map<string, Tenant>()
  #registrations = new Map<string, Registration>()

  constructor(
    seed: MicrosoftSeed,
    readonly clock: ShiftableClock,
    readonly key: SigningKey,
  ) {
    this.load(seed)
  }

  load(seed: MicrosoftSeed): void {
    this.accessTokenSeconds = seed.accessTokenSeconds
    this.consentDelay = seed.consentDelay
    this.tokens = new Tokens(this.clock, this.key)
    this.changedEvents = new ChangedEvents()
    this.#tenants = new Map(seed.tenants.map((tenant) => [tenant.id, new Tenant(tenant)]))
    this.#registrations = new Map(seed.registrations.map((one) => [one.clientId, registrationFrom(one)]))
    for (const { clientId, permissions, consentedIn } of seed.registrations)
      for (const tenantId of consentedIn) {
        const tenant = this.#tenants.get(tenantId)
        if (tenant) this.grantConsent(tenant, clientId, permissions, 0)
      }
  }

  get tenants(): Tenant[] {
    return [...this.#tenants.values()]
  }

  get registrations(): Registration[] {
    return [...this.#registrations.values()]
  }

  /** By GUID or verified domain. */
  findTenant(segment: string): Tenant | null {
    const name = segment.toLowerCase()
    return this.#tenants.get(name) ?? this.tenants.find((tenant) => tenant.domains.includes(name)) ?? null
  }

  /** @throws AADSTS90002 */
  getTenant(segment: string): Tenant {
    const tenant = this.findTenant(segment)
    if (!tenant) throw new AadstsError(90002, { tenant: segment })
    return tenant
  }

  findRegistration(clientId: string): Registration | null {
    return this.#registrations.get(clientId.toLowerCase()) ?? null
  }

  /** A mailbox of any organisation, for changes from outside: no answer of the stand-in may look beyond one tenant. */
  findMailbox(address: string): { tenant: Tenant; user: User } | null {
    for (const tenant of this.#tenants.values()) {
      const user = tenant.findMailbox(address)
      if (user) return { tenant, user }
    }
    return null
  }

  /** A person wherever they are: signing in starts from the account, not from the tenant. */
  findAccount(upn: string): { tenant: Tenant; user: User } | null {
    for (const tenant of this.#tenants.values()) {
      const user = tenant.findAccount(upn.trim())
      if (user) return { tenant, user }
    }
    return null
  }

  /** Finds the app's service principal, or makes one without any permission, as a first sign-in does. */
  install(tenant: Tenant, clientId: string, installedAt = this.clock.nowMs()): ServicePrincipal {
    const known = tenant.principals.get(clientId)
    if (known) return known
    const id = guidOf(`${tenant.id} principal ${clientId}`)
    const principal = { id, enabled: true, roles: new Set<string>(), installedAt, rolesAt: installedAt }
    tenant.principals.set(clientId, principal)
    return principal
  }

  grantConsent(tenant: Tenant, clientId: string, permissions: readonly string[], delayMs = this.consentDelay.ms): void {
    const now = this.clock.nowMs()
    const principal = this.install(tenant, clientId, this.consentDelay.until === 'not-installed' ? now + delayMs : now)
    principal.roles = new Set(permissions)
    principal.rolesAt = now + delayMs
  }
}
