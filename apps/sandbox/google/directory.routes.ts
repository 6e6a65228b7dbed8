import type { FastifyInstance, FastifyRequest } from 'fastify'
import { callerOf, pageOf, type Query } from './api-caller.js'
import { asked, ofCustomer, usersFound } from './directory-query.js'
import { domainResource, roomResource, userResource } from './directory-resources.js'
import { refusal } from './errors.js'
import type { GoogleWorld } from './google-world.js'
import type { Organisation } from './organisation.js'
import { apiScopes } from './scopes.js'

const USERS = apiScopes('admin.directory.user', 'admin.directory.user.readonly')
const DOMAINS = apiScopes('admin.directory.domain', 'admin.directory.domain.readonly')
const CUSTOMERS = apiScopes('admin.directory.customer', 'admin.directory.customer.readonly')
const RESOURCES = apiScopes('admin.directory.resource.calendar', 'admin.directory.resource.calendar.readonly')

type InCustomer = { Params: { customer: string }; Querystring: Query }

/** admin.googleapis.com: what an administrator can list, and of the own organisation only. */
export function registerDirectoryRoutes(root: FastifyInstance, world: GoogleWorld): void {
  root.register(
    async (http) => {
      http.get<{ Querystring: Query }>('/users', async (request) => {
        const organisation = administered(world, request, USERS)
        const { items, nextPageToken } = pageOf(usersFound(organisation, request.query), request.query, {
          normal: 100,
          most: 500,
        })
        return {
          kind: 'admin#directory#users',
          users: items.map(userResource),
          ...(nextPageToken && { nextPageToken }),
        }
      })

      http.get<{ Params: { userKey: string } }>('/users/:userKey', async (request) => {
        const organisation = administered(world, request, USERS)
        const { userKey } = request.params
        const user = organisation.users.find(({ id }) => id === userKey) ?? world.findUser(userKey)
        if (!user || user.deletedAt || user.organisation !== organisation) throw refusal('google.not_found/user')
        return userResource(user)
      })

      http.get<{ Params: { customer: string } }>('/customers/:customer', async (request) => {
        const organisation = ofCustomer(administered(world, request, CUSTOMERS), request.params.customer)
        return {
          kind: 'admin#directory#customer',
          id: organisation.customerId,
          customerDomain: organisation.primaryDomain,
        }
      })

      http.get<InCustomer>('/customer/:customer/domains', async (request) => {
        const organisation = ofCustomer(administered(world, request, DOMAINS), request.params.customer)
        return { kind: 'admin#directory#domains', domains: organisation.domains.map(domainResource) }
      })

      http.get<InCustomer>('/customer/:customer/resources/calendars', async (request) => {
        const organisation = ofCustomer(administered(world, request, RESOURCES), request.params.customer)
        const found = organisation.rooms.filter(asked(request.query.query))
        const { items, nextPageToken } = pageOf(found, request.query, { normal: 100, most: 500 })
        return {
          kind: 'admin#directory#resources#calendars#calendarResourcesList',
          items: items.map(roomResource),
          ...(nextPageToken && { nextPageToken }),
        }
      })

      http.get<{ Params: { customer: string; id: string } }>(
        '/customer/:customer/resources/calendars/:id',
        async (request) => {
          const organisation = ofCustomer(administered(world, request, RESOURCES), request.params.customer)
          const room = organisation.rooms.find(({ resourceId }) => resourceId === request.params.id)
          if (!room) throw refusal('google.not_found/resource')
          return roomResource(room)
        },
      )

      http.get<InCustomer>('/customer/:customer/resources/buildings', async (request) => {
        const organisation = ofCustomer(administered(world, request, RESOURCES), request.params.customer)
        const { items, nextPageToken } = pageOf(organisation.buildings, request.query, { normal: 100, most: 500 })
        return {
          kind: 'admin#directory#resources#buildings#buildingsList',
          buildings: items.map(({ id, name }) => ({
            kind: 'admin#directory#resources#buildings#Building',
            buildingId: id,
            buildingName: name,
          })),
          ...(nextPageToken && { nextPageToken }),
        }
      })
    },
    { prefix: '/admin/directory/v1' },
  )
}

/** The organisation that the caller may administer: a person with an administrator's role, never a bare service account. */
function administered(world: GoogleWorld, request: FastifyRequest, scopes: readonly string[]): Organisation {
  const { subject } = callerOf(world, request, scopes)
  const organisation =
    'organisation' in subject && (subject.isAdmin || subject.isDelegatedAdmin) ? subject.organisation : null
  if (!organisation) throw refusal('google.directory_admin_required')
  return organisation
}
