import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { MicrosoftWorld } from '../microsoft-world.js'
import type { RoomList, Tenant, User } from '../tenant.js'
import { callerOf, has } from './caller.js'
import { GraphError } from './graph-errors.js'
import { entity, pageOf, slicePage } from './odata.js'

interface OfPlace {
  Params: { place: string }
}

const PAGE = { defaultSize: 100, maxSize: 1000 }

/** Rooms and the lists they are in. */
export function registerPlacesRoutes(http: FastifyInstance, world: MicrosoftWorld): void {
  http.get('/places/microsoft.graph.room', async (request) =>
    slicePage(request, pageOf(request, PAGE), roomsOf(tenantOf(world, request)).map(roomBody)),
  )
  http.get('/places/microsoft.graph.roomlist', async (request) =>
    slicePage(request, pageOf(request, PAGE), tenantOf(world, request).roomLists.map(roomListBody)),
  )
  http.get<OfPlace>('/places/:place', async (request) => {
    const tenant = tenantOf(world, request)
    const room = findRoom(tenant, request.params.place)
    if (room) return entity(request, { '@odata.type': '#microsoft.graph.room', ...roomBody(room) })
    return entity(request, {
      '@odata.type': '#microsoft.graph.roomList',
      ...roomListBody(getRoomList(tenant, request.params.place)),
    })
  })
  http.get<OfPlace>('/places/:place/microsoft.graph.roomlist/rooms', async (request) => {
    const tenant = tenantOf(world, request)
    const { rooms } = getRoomList(tenant, request.params.place)
    const members = rooms.flatMap((email) => findRoom(tenant, email) ?? [])
    return slicePage(request, pageOf(request, PAGE), members.map(roomBody))
  })
}

function tenantOf(world: MicrosoftWorld, request: FastifyRequest): Tenant {
  const caller = callerOf(world, request)
  if (!has(caller, 'Place.Read.All', 'Place.ReadWrite.All')) throw new GraphError('microsoft.mailbox_access_denied')
  if (!caller.tenant.exchange) throw new GraphError('microsoft.no_exchange_in_tenant', { tenant: caller.tenant.id })
  return caller.tenant
}

const roomsOf = (tenant: Tenant) => tenant.users.filter(({ room }) => room !== null)

function findRoom(tenant: Tenant, idOrEmail: string): User | null {
  const found = tenant.findMailbox(idOrEmail)
  return found?.room ? found : null
}

function getRoomList({ roomLists }: Tenant, idOrEmail: string): RoomList {
  const wanted = idOrEmail.toLowerCase()
  const list = roomLists.find(({ id, email }) => id === wanted || email === wanted)
  if (!list) throw new GraphError('microsoft.not_found')
  return list
}

const roomBody = ({ id, displayName, mail, room }: User) => ({
  id,
  displayName,
  emailAddress: mail,
  nickname: displayName,
  capacity: room?.capacity ?? null,
  building: room?.building ?? null,
  floorNumber: room?.floorNumber ?? null,
  floorLabel: null,
  bookingType: room?.bookingType,
  isWheelChairAccessible: false,
  phone: '',
  tags: [],
})

const roomListBody = ({ id, email, displayName }: RoomList) => ({ id, displayName, emailAddress: email, phone: '' })
