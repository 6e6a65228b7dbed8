import type { FastifyInstance } from 'fastify'
import type { MicrosoftWorld } from '../microsoft-world.js'
import { queryOf } from '../request.js'
import { DIRECTORY_ROLES } from '../seed.js'
import { guidOf, type Tenant, type User } from '../tenant.js'
import { pairwise } from '../tokens.js'
import { type Caller, callerOf, getMe, has, openSettings } from './caller.js'
import { GraphError } from './graph-errors.js'
import { entity, pageBody, pageOf, slicePage } from './odata.js'

const READ_ANYBODY = ['User.Read.All', 'User.ReadBasic.All', 'User.ReadWrite.All', 'Directory.Read.All']
const READ_ROLES = ['RoleManagement.Read.Directory', 'Directory.Read.All', 'Directory.ReadWrite.All']

interface OfUser {
  Params: { user: string }
}

/** The directory: who is in the organisation, and who may administer it. */
export function registerUsersRoutes(http: FastifyInstance, world: MicrosoftWorld): void {
  http.get('/organization', async (request) => {
    const caller = callerOf(world, request)
    if (!has(caller, 'Organization.Read.All', 'Directory.Read.All', ...(caller.user ? ['User.Read'] : [])))
      throw new GraphError('microsoft.permission_missing')
    return slicePage(request, pageOf(request, { defaultSize: 1, maxSize: 1 }), [organisationBody(caller.tenant)])
  })

  http.get('/users', async (request) => {
    const caller = callerOf(world, request)
    if (!has(caller, ...READ_ANYBODY)) throw new GraphError('microsoft.permission_missing')
    const page = pageOf(request, { defaultSize: 100, maxSize: 999, filters: true })
    const users = filtered(caller.tenant, queryOf(request).$filter)
    const shown = users.slice(page.offset, page.offset + page.size).map(userBody)
    return pageBody(request, page, shown, users.length > page.offset + page.size)
  })

  http.get<OfUser>('/users/:user', async (request) => {
    const caller = callerOf(world, request)
    const user = caller.tenant.findAccount(request.params.user)
    const own = caller.user !== null && user === caller.user && has(caller, 'User.Read')
    if (!own && !has(caller, ...READ_ANYBODY)) throw new GraphError('microsoft.permission_missing')
    if (!user) throw new GraphError('microsoft.user_not_found', { user: request.params.user })
    return entity(request, userBody(user))
  })

  http.get('/me', async (request) => {
    const caller = callerOf(world, request)
    const me = getMe(caller)
    if (!has(caller, 'User.Read', ...READ_ANYBODY)) throw new GraphError('microsoft.permission_missing')
    return entity(request, userBody(me))
  })

  for (const path of [
    '/me/memberOf',
    '/me/memberOf/microsoft.graph.directoryRole',
    '/me/transitiveMemberOf',
    '/me/transitiveMemberOf/microsoft.graph.directoryRole',
  ])
    http.get(path, async (request) => {
      const caller = callerOf(world, request)
      const me = getMe(caller)
      if (!has(caller, 'User.Read', ...READ_ANYBODY, ...READ_ROLES))
        throw new GraphError('microsoft.permission_missing')
      return slicePage(request, pageOf(request, { defaultSize: 100, maxSize: 999 }), rolesBody(caller, me))
    })

  for (const path of ['/me/mailboxSettings', '/users/:user/mailboxSettings'])
    http.get<{ Params: Partial<OfUser['Params']> }>(path, async (request) => {
      const owner = openSettings(callerOf(world, request), request.params.user ?? null)
      return entity(request, {
        timeZone: owner.timeZone,
        language: { locale: 'en-US', displayName: 'English (United States)' },
        timeFormat: 'HH:mm',
        dateFormat: 'yyyy-MM-dd',
        userPurpose: { value: owner.room ? 'room' : owner.purpose },
      })
    })
}

/** `GET /oidc/userinfo`, outside `/v1.0`. */
export function registerUserinfoRoute(http: FastifyInstance, world: MicrosoftWorld): void {
  http.get('/oidc/userinfo', async (request) => {
    const caller = callerOf(world, request)
    const me = getMe(caller)
    return { sub: pairwise(caller.access.clientId, me), name: me.displayName, email: me.mail ?? me.upn }
  })
}

/** The three filters with which a person is looked up by an address; the last finds aliases as well. */
const FILTERS: readonly { form: RegExp; accepts: (user: User, address: string) => boolean }[] = [
  { form: /^userPrincipalName eq '([^']+)'$/i, accepts: (user, address) => user.upn === address },
  { form: /^mail eq '([^']+)'$/i, accepts: (user, address) => user.mail === address },
  {
    form: /^proxyAddresses\/any\(\w+:\s*\w+ eq 'smtp:([^']+)'\)$/i,
    accepts: (user, address) => user.mail === address || user.aliases.includes(address),
  },
]

function filtered(tenant: Tenant, filter: string | undefined): readonly User[] {
  if (filter === undefined) return tenant.users
  for (const { form, accepts } of FILTERS) {
    const address = form.exec(filter.replaceAll("''", '\u0000'))?.[1]?.replaceAll('\u0000', "'").toLowerCase()
    if (address === undefined) continue
    const user = tenant.findByAddress(address) ?? tenant.findAccount(address)
    return user && accepts(user, address) ? [user] : []
  }
  throw new GraphError('graph.bad_request', { what: `The sandbox does not know the filter ${filter}` })
}

const userBody = (user: User) => ({
  id: user.id,
  userPrincipalName: user.upn,
  mail: user.mail,
  displayName: user.displayName,
  givenName: user.displayName.split(' ')[0] ?? null,
  surname: user.displayName.split(' ').slice(1).join(' ') || null,
  accountEnabled: user.accountEnabled,
  userType: 'Member',
  proxyAddresses: [...(user.mail ? [`SMTP:${user.mail}`] : []), ...user.aliases.map((alias) => `smtp:${alias}`)],
})

const organisationBody = (tenant: Tenant) => ({
  id: tenant.id,
  displayName: tenant.displayName,
  tenantType: 'AAD',
  countryLetterCode: 'DE',
  verifiedDomains: tenant.domains.map((name, index) => ({
    name,
    isDefault: index === 0,
    isInitial: index === tenant.domains.length - 1,
    type: 'Managed',
    capabilities: 'Email, OfficeCommunicationsOnline',
  })),
})

/** Without a permission for roles Graph lists them all the same, but says nothing of them except that they exist. */
const rolesBody = (caller: Caller, { roles }: User) =>
  roles.map((role) => {
    const readable = has(caller, ...READ_ROLES)
    return {
      '@odata.type': '#microsoft.graph.directoryRole',
      id: guidOf(`${caller.tenant.id} role ${role}`),
      displayName: readable ? role : null,
      roleTemplateId: readable ? DIRECTORY_ROLES[role] : null,
    }
  })
