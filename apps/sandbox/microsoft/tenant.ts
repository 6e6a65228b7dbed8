import { createHash, randomUUID } from 'node:crypto'
import type { CloudName, MailboxState, RoleAssignmentSeed, RoleName, RoomSeed, TenantSeed, UserSeed } from './seed.js'

export interface User {
  id: string
  upn: string
  mail: string | null
  aliases: string[]
  displayName: string
  accountEnabled: boolean
  roles: RoleName[]
  mailbox: MailboxState
  purpose: 'user' | 'shared'
  /** Addresses of the people whose calendars were shared with this one. */
  sharedCalendars: readonly string[]
  timeZone: string
  /** Set for the account behind a room's mailbox. */
  room: RoomSeed | null
}

export interface RoomList {
  id: string
  email: string
  displayName: string
  rooms: string[]
}

/** What a tenant knows of an app: made by the first sign-in or consent, filled by an administrator's consent. */
export interface ServicePrincipal {
  id: string
  enabled: boolean
  /** Granted application permissions. */
  roles: Set<string>
  /** Until these moments (epoch ms) a new consent has not arrived everywhere. */
  installedAt: number
  rolesAt: number
}

export interface MailboxPolicy {
  kind: 'deny' | 'allow-only'
  mailboxes: Set<string>
}

/** One organisation's directory. Whoever holds a Tenant cannot reach another one through it. */
export class Tenant {
  readonly id: string
  readonly displayName: string
  readonly domains: readonly string[]
  readonly cloud: CloudName
  readonly exchange: boolean
  readonly roomLists: readonly RoomList[]
  blockedByPolicy: boolean
  readonly principals = new Map<string, ServicePrincipal>()
  readonly roleAssignments: readonly RoleAssignmentSeed[]
  readonly mailboxPolicies = new Map<string, MailboxPolicy>()

  readonly #users: User[] = []
  /** By object id and by UPN: what the directory finds. */
  readonly #accounts = new Map<string, User>()
  /** By primary address and alias: what only Exchange finds. */
  readonly #addresses = new Map<string, User>()

  constructor(seed: TenantSeed) {
    this.id = seed.id
    this.displayName = seed.displayName
    this.domains = seed.domains
    this.cloud = seed.cloud
    this.exchange = seed.exchange
    this.blockedByPolicy = seed.blockedByPolicy
    this.roleAssignments = seed.roleAssignments
    for (const user of seed.users) this.#add(this.#person(user))
    for (const room of seed.rooms) this.#add(this.#roomAccount(room))
    for (let number = 1; number <= seed.mailboxes; number += 1) this.#add(this.#invented(number))
    this.roomLists = seed.roomLists.map((list) => ({ ...list, id: guidOf(`${this.id} ${list.email}`) }))
    for (const { clientId, kind, mailboxes } of seed.mailboxPolicies)
      this.mailboxPolicies.set(clientId, { kind, mailboxes: new Set(mailboxes) })
  }

  get defaultDomain(): string {
    return this.domains[0] as string
  }

  get users(): readonly User[] {
    return this.#users
  }

  /** As the directory looks it up: by object id or user principal name, never by another address. */
  findAccount(idOrUpn: string): User | null {
    return this.#accounts.get(idOrUpn.toLowerCase()) ?? null
  }

  /** Whoever receives mail at the address. */
  findByAddress(address: string): User | null {
    return this.#addresses.get(address.toLowerCase()) ?? null
  }

  /** As Exchange looks it up: also by any address of the mailbox. */
  findMailbox(idOrAddress: string): User | null {
    return this.findAccount(idOrAddress) ?? this.#addresses.get(idOrAddress.toLowerCase()) ?? null
  }

  /** Whether the app's Exchange access policy keeps it out of this mailbox. */
  keepsOut(clientId: string, user: User): boolean {
    const policy = this.mailboxPolicies.get(clientId)
    if (!policy) return false
    const named = [user.upn, ...addressesOf(user)].some((address) => policy.mailboxes.has(address))
    return policy.kind === 'deny' ? named : !named
  }

  /** The permissions that Exchange itself has given the app for this mailbox. */
  rolesIn(clientId: string, user: User): string[] {
    return this.roleAssignments
      .filter((one) => one.clientId === clientId && addressesOf(user).some((own) => one.mailboxes.includes(own)))
      .map(({ role }) => role.replace('Application ', ''))
  }

  /** Changes the app's Exchange access policy, or makes a deny list when there is none. */
  setReach(clientId: string, user: User, mayOpen: boolean): void {
    const policy = this.mailboxPolicies.get(clientId) ?? { kind: 'deny', mailboxes: new Set<string>() }
    this.mailboxPolicies.set(clientId, policy)
    if (mayOpen === (policy.kind === 'allow-only')) policy.mailboxes.add(user.mail ?? user.upn)
    else for (const address of [user.upn, ...addressesOf(user)]) policy.mailboxes.delete(address)
  }

  /** The old address becomes an alias, as in Exchange: the mailbox is still found by it, the account is not. */
  rename(user: User, to: string): void {
    this.#unindex(user)
    if (user.mail !== null) user.aliases.push(user.mail)
    user.upn = to
    user.mail = to
    this.#index(user)
  }

  /** Also under the address of somebody who is gone: the object id is new. */
  create(seed: UserSeed): User {
    const user = { ...this.#person(seed), id: randomUUID() }
    this.#add(user)
    return user
  }

  /** False when it is no alias of this mailbox. */
  removeAlias(user: User, alias: string): boolean {
    if (!user.aliases.includes(alias)) return false
    this.#unindex(user)
    user.aliases = user.aliases.filter((one) => one !== alias)
    this.#index(user)
    return true
  }

  delete(user: User): void {
    this.#unindex(user)
    this.#users.splice(this.#users.indexOf(user), 1)
  }

  #add(user: User): void {
    this.#users.push(user)
    this.#index(user)
  }

  #index(user: User): void {
    this.#accounts.set(user.id, user).set(user.upn, user)
    for (const address of addressesOf(user)) this.#addresses.set(address, user)
  }

  #unindex(user: User): void {
    for (const key of [user.id, user.upn]) this.#accounts.delete(key)
    for (const address of addressesOf(user)) this.#addresses.delete(address)
  }

  #person(seed: UserSeed): User {
    return {
      ...seed,
      id: seed.id ?? guidOf(`${this.id} ${seed.upn}`),
      displayName: seed.displayName ?? displayNameOf(seed.upn),
      mail: seed.mail === undefined ? seed.upn : seed.mail,
      room: null,
    }
  }

  #roomAccount(room: RoomSeed): User {
    return {
      id: guidOf(`${this.id} ${room.email}`),
      upn: room.email,
      mail: room.email,
      aliases: [],
      displayName: room.displayName,
      // As in a real tenant, where nobody can sign in as a room: "disabled" says nothing about the mailbox.
      accountEnabled: false,
      roles: [],
      mailbox: 'enabled',
      purpose: 'user',
      sharedCalendars: [],
      timeZone: 'W. Europe Standard Time',
      room,
    }
  }

  #invented(number: number): User {
    const digits = String(number).padStart(5, '0')
    const upn = `user${digits}@${this.defaultDomain}`
    return {
      id: guidOf(`${this.id} ${upn}`),
      upn,
      mail: upn,
      aliases: [],
      displayName: `User ${digits}`,
      accountEnabled: true,
      roles: [],
      mailbox: 'enabled',
      purpose: 'user',
      sharedCalendars: [],
      timeZone: 'W. Europe Standard Time',
      room: null,
    }
  }
}

const addressesOf = ({ mail, aliases }: User) => (mail === null ? aliases : [mail, ...aliases])

/** `milton.waddams@…` → `Milton Waddams`. */
const displayNameOf = (upn: string) =>
  (upn.split('@', 1)[0] as string).replace(/(^|[._-])(\w)/g, (_, gap: string, letter: string) =>
    gap ? ` ${letter.toUpperCase()}` : letter.toUpperCase(),
  )

/** The same GUID for the same name, so that a restarted sandbox has the same object ids. */
export function guidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
