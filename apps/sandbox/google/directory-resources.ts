import type { Organisation, Room, User } from './organisation.js'

const CREATED = '2024-01-15T09:00:00.000Z'

export const userResource = (user: User) => ({
  kind: 'admin#directory#user',
  id: user.id,
  etag: `"${user.id}"`,
  primaryEmail: user.email,
  name: { givenName: user.givenName, familyName: user.familyName, fullName: `${user.givenName} ${user.familyName}` },
  isAdmin: user.isAdmin,
  isDelegatedAdmin: user.isDelegatedAdmin,
  creationTime: CREATED,
  agreedToTerms: true,
  suspended: user.suspended,
  ...(user.suspended && { suspensionReason: 'ADMIN' }),
  archived: user.archived,
  emails: [user.email, ...user.aliases].map((address) => ({
    address,
    ...(address === user.email && { primary: true }),
  })),
  ...(user.aliases.length > 0 && { aliases: user.aliases }),
  customerId: user.organisation?.customerId,
  orgUnitPath: user.orgUnitPath,
  isMailboxSetup: true,
  includeInGlobalAddressList: true,
  ...(user.deletedAt && { deletionTime: user.deletedAt.toISOString() }),
})

export const domainResource = ({ name, verified, aliases }: Organisation['domains'][number], index: number) => ({
  kind: 'admin#directory#domain',
  domainName: name,
  isPrimary: index === 0,
  verified,
  creationTime: String(Date.parse(CREATED)),
  ...(aliases.length > 0 && {
    domainAliases: aliases.map((alias) => ({
      kind: 'admin#directory#domainAlias',
      domainAliasName: alias,
      parentDomainName: name,
      verified: true,
      creationTime: String(Date.parse(CREATED)),
    })),
  }),
})

export const roomResource = (room: Room) => ({
  kind: 'admin#directory#resources#calendars#CalendarResource',
  etags: `"${room.resourceId}"`,
  resourceId: room.resourceId,
  resourceName: room.name,
  generatedResourceName: [room.buildingId, room.floorName, `${room.name}${room.capacity ? ` (${room.capacity})` : ''}`]
    .filter(Boolean)
    .join('-'),
  resourceEmail: room.email,
  resourceCategory: room.category,
  ...(room.capacity !== null && { capacity: room.capacity }),
  ...(room.buildingId !== null && { buildingId: room.buildingId }),
  ...(room.floorName !== null && { floorName: room.floorName }),
})
