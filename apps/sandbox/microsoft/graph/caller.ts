import type { FastifyRequest } from 'fastify'
import { CLOUDS } from '../clouds.js'
import type { MicrosoftWorld } from '../microsoft-world.js'
import { meantHost } from '../request.js'
import type { Tenant, User } from '../tenant.js'
import type { Access } from '../tokens.js'
import { GraphError } from './graph-errors.js'

/** Who is calling, and the one organisation that they can see. */
export interface Caller {
  tenant: Tenant
  access: Access
  /** Null for an app acting by itself. */
  user: User | null
}

/** @throws GraphError 401 */
export function callerOf(world: MicrosoftWorld, request: FastifyRequest): Caller {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ', 2)
  if (scheme?.toLowerCase() !== 'bearer' || !token) throw new GraphError('provider.token_rejected/empty')
  const access = world.tokens.findAccess(token)
  const tenant = access && world.findTenant(access.tenantId)
  if (!access || !tenant) throw new GraphError('provider.token_rejected/malformed')
  const meant = meantHost(request)
  if (meant && meant !== CLOUDS[tenant.cloud].graph) throw new GraphError('provider.token_rejected/audience')
  if (access.expiresAt <= world.clock.nowMs()) throw new GraphError('provider.token_rejected')
  const user = access.userId === null ? null : tenant.findAccount(access.userId)
  if (access.userId !== null && !user?.accountEnabled) throw new GraphError('provider.token_rejected')
  return { tenant, access, user }
}

export const has = ({ access }: Caller, ...anyOf: string[]) =>
  anyOf.some((permission) => access.permissions.has(permission))

/** `/me` in a path is the person who signed in. @throws GraphError for an app */
export function getMe({ user }: Caller): User {
  if (!user) throw new GraphError('graph.me_needs_user')
  return user
}

const CALENDAR_PERMISSIONS = ['Calendars.ReadBasic', 'Calendars.ReadBasic.All', 'Calendars.Read', 'Calendars.ReadWrite']
const CALENDAR_WRITES = ['Calendars.ReadWrite']
const SETTINGS_PERMISSIONS = ['MailboxSettings.Read', 'MailboxSettings.ReadWrite']

export const openCalendar = (caller: Caller, address: string | null) =>
  openMailbox(caller, address, CALENDAR_PERMISSIONS)
export const openCalendarToWrite = (caller: Caller, address: string | null) =>
  openMailbox(caller, address, CALENDAR_WRITES)
export const openSettings = (caller: Caller, address: string | null) =>
  openMailbox(caller, address, SETTINGS_PERMISSIONS)

/**
 * The mailbox, as Exchange opens it: permission, tenant, address, RBAC or the app's access policy, state of the mailbox.
 * Whether the account may sign in is not asked: an app reads the calendar of a blocked person, as it reads a room's.
 */
function openMailbox(caller: Caller, address: string | null, anyOf: string[]): User {
  const { tenant, access, user } = caller
  const granted = has(caller, ...anyOf)
  const scoped = !user && tenant.roleAssignments.some(({ clientId }) => clientId === access.clientId)
  if (!granted && !scoped) throw new GraphError('microsoft.mailbox_access_denied')
  if (!tenant.exchange) throw new GraphError('microsoft.no_exchange_in_tenant', { tenant: tenant.id })
  const owner = address === null ? getMe(caller) : tenant.findMailbox(address)
  if (!owner) throw new GraphError('microsoft.user_not_found/invalid_user', { user: address ?? '' })
  // A person's token opens that person's mailbox; calendars shared between people are not played here.
  if (user && owner !== user) throw new GraphError('microsoft.mailbox_access_denied')
  const byExchange = !user && tenant.rolesIn(access.clientId, owner).some((role) => anyOf.includes(role))
  if (!byExchange && !granted) throw new GraphError('microsoft.mailbox_access_denied')
  if (!byExchange && !user && tenant.keepsOut(access.clientId, owner))
    throw new GraphError('microsoft.mailbox_excluded_by_policy')
  if (owner.mailbox === 'none') throw new GraphError('microsoft.mailbox_not_found')
  if (owner.mailbox !== 'enabled') throw new GraphError('microsoft.mailbox_not_enabled')
  return owner
}
