import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { ImpossibleChange } from '../core/mutation.js'
import type { delegationSeed, OrganisationSeed, UserSeed } from './seed.js'

export interface User {
  readonly id: string
  /** Primary address; changes with a rename. */
  email: string
  aliases: string[]
  readonly givenName: string
  readonly familyName: string
  isAdmin: boolean
  readonly isDelegatedAdmin: boolean
  suspended: boolean
  readonly archived: boolean
  calendar: boolean
  deletedAt: Date | null
  readonly orgUnitPath: string
  /** Null for a personal account. */
  readonly organisation: Organisation | null
}

export interface Room {
  readonly resourceId: string
  readonly email: string
  readonly name: string
  readonly category: string
  readonly capacity: number | null
  readonly buildingId: string | null
  readonly floorName: string | null
}

export interface Delegation {
  readonly scopes: Set<string>
  /** Before this, Google behaves as if the entry were not there. */
  readonly effectiveAtMs: number
}

/** One customer of Google Workspace. */
export class Organisation {
  readonly customerId: string
  readonly domains: OrganisationSeed['domains']
  readonly users: User[]
  readonly rooms: readonly Room[]
  readonly buildings: OrganisationSeed['buildings']
  /** By the service account's numeric client id. */
  readonly delegations = new Map<string, Delegation>()
  readonly blockedClientIds: Set<string>

  constructor(seed: OrganisationSeed, nowMs: number) {
    this.customerId = seed.customerId
    this.domains = seed.domains
    this.buildings = seed.buildings
    this.blockedClientIds = new Set(seed.blockedClientIds)
    this.users = [...seed.users, ...madeUpUsers(seed.mailboxes, this.primaryDomain)].map((user) => userFrom(user, this))
    this.rooms = seed.rooms.map((room) => ({ ...room, resourceId: room.resourceId ?? digits(room.email, 11) }))
    for (const delegation of seed.delegations) this.delegate(delegation, nowMs)
  }

  get primaryDomain(): string {
    return this.domains[0]?.name ?? ''
  }

  /** Every domain that people of this organisation may have in their addresses. */
  get domainNames(): string[] {
    return this.domains.flatMap(({ name, aliases }) => [name, ...aliases])
  }

  delegate({ clientId, scopes, delayMs }: z.infer<typeof delegationSeed>, nowMs: number): void {
    this.delegations.set(clientId, { scopes: new Set(scopes), effectiveAtMs: nowMs + delayMs })
  }

  getDelegation(clientId: string): Delegation {
    const delegation = this.delegations.get(clientId)
    if (!delegation) throw new ImpossibleChange(`clientId: ${this.primaryDomain} has delegated nothing to ${clientId}`)
    return delegation
  }
}

export function userFrom(seed: UserSeed, organisation: Organisation | null): User {
  const [local = ''] = seed.email.split('@')
  return {
    ...seed,
    id: seed.id ?? `1${digits(seed.email, 20)}`,
    givenName: seed.givenName ?? local.charAt(0).toUpperCase() + local.slice(1),
    familyName: seed.familyName ?? 'Example',
    deletedAt: null,
    organisation,
  }
}

const madeUpUsers = (count: number, domain: string): UserSeed[] =>
  Array.from({ length: count }, (_, index) => {
    const number = String(index + 1).padStart(5, '0')
    return {
      email: `user${number}@${domain}`,
      familyName: number,
      aliases: [],
      isAdmin: false,
      isDelegatedAdmin: false,
      suspended: false,
      archived: false,
      calendar: true,
      orgUnitPath: '/',
    }
  })

function digits(from: string, length: number): string {
  const number = BigInt(`0x${createHash('sha256').update(from).digest('hex')}`)
  return String(number).slice(0, length)
}
