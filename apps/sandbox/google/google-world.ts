import { createPublicKey, type KeyObject } from 'node:crypto'
import { ChangedEvents } from '../core/changed-events.js'
import { ImpossibleChange } from '../core/mutation.js'
import type { ShiftableClock } from '../core/shiftable-clock.js'
import { AccessTokens } from './access-tokens.js'
import type { SandboxEvent } from './events.js'
import { Organisation, type Room, type User, userFrom } from './organisation.js'
import type { GoogleSeed, OAuthClientSeed, UserSeed } from './seed.js'
import { UserConsents } from './user-consents.js'

export interface ServiceAccount {
  readonly email: string
  /** Numeric; what an administrator delegates to. */
  readonly clientId: string
  disabled: boolean
  /** Parsed once: a key is used for every assertion. */
  readonly keys: { id: string; publicKey: KeyObject; disabled: boolean }[]
  readonly tokenCreators: Set<string>
  /** The key that Google itself holds, made when it is first asked to sign. */
  systemKey?: Promise<{ id: string; privateKey: KeyObject }>
}

/** All that the stand-in knows, in memory, found by what callers name. */
export class GoogleWorld {
  organisations: Organisation[] = []
  personalAccounts: User[] = []
  serviceAccounts = new Map<string, ServiceAccount>()
  oauthClients = new Map<string, OAuthClientSeed>()
  /** By audience. */
  workloadIdentities = new Map<string, Readonly<Record<string, string>>>()
  tokens!: AccessTokens
  consents!: UserConsents
  changedEvents!: ChangedEvents<SandboxEvent>
  #usersByAddress = new Map<string, User>()
  #organisationsByDomain = new Map<string, Organisation>()

  constructor(
    seed: GoogleSeed,
    readonly clock: ShiftableClock,
  ) {
    this.load(seed)
  }

  /** Forgets everything and starts again from the seed. */
  load(seed: GoogleSeed): void {
    this.organisations = seed.organisations.map((one) => new Organisation(one, this.clock.nowMs()))
    this.personalAccounts = seed.personalAccounts.map((one) => userFrom(one, null))
    this.serviceAccounts = new Map(
      seed.serviceAccounts.map(({ keys, ...account }) => [
        account.email,
        {
          ...account,
          tokenCreators: new Set(account.tokenCreators),
          keys: keys.map((key) => ({ ...key, publicKey: createPublicKey(key.publicKey) })),
        },
      ]),
    )
    this.oauthClients = new Map(seed.oauthClients.map((client) => [client.clientId, client]))
    this.workloadIdentities = new Map(seed.workloadIdentities.map((one) => [one.audience, one.principals]))
    this.tokens = new AccessTokens(this.clock)
    this.consents = new UserConsents(this.clock)
    this.changedEvents = new ChangedEvents()
    this.#organisationsByDomain = new Map(
      this.organisations.flatMap((one) => one.domainNames.map((domain) => [domain, one] as const)),
    )
    this.#usersByAddress = new Map(
      [...this.organisations.flatMap(({ users }) => users), ...this.personalAccounts].flatMap((user) =>
        [user.email, ...user.aliases].map((address) => [address, user] as const),
      ),
    )
  }

  /** By primary address or alias; deleted people too. */
  findUser(address: string): User | null {
    return this.#usersByAddress.get(address.toLowerCase()) ?? null
  }

  getUser(address: string): User {
    const user = this.findUser(address)
    if (!user) throw new ImpossibleChange(`email: nobody has the address ${address}`)
    return user
  }

  createUser(seed: UserSeed): User {
    const holder = this.findUser(seed.email)
    // The address of somebody who was deleted is free again; its next holder is another person with another id.
    if (holder && !holder.deletedAt) throw new ImpossibleChange(`email: ${seed.email} is taken`)
    const organisation = this.findOrganisation(domainOf(seed.email))
    if (!organisation) throw new ImpossibleChange(`email: no organisation has the domain ${domainOf(seed.email)}`)
    const user = userFrom(seed, organisation)
    organisation.users.push(user)
    for (const address of [user.email, ...user.aliases]) this.#usersByAddress.set(address, user)
    return user
  }

  addAlias(user: User, alias: string): void {
    if (this.findUser(alias)) throw new ImpossibleChange(`alias: ${alias} is taken`)
    user.aliases.push(alias)
    this.#usersByAddress.set(alias, user)
  }

  removeAlias(user: User, alias: string): void {
    if (!user.aliases.includes(alias)) throw new ImpossibleChange(`alias: ${user.email} has ${user.aliases.join(', ')}`)
    user.aliases = user.aliases.filter((one) => one !== alias)
    this.#usersByAddress.delete(alias)
  }

  /** The old address becomes an alias, as at Google; a person may be renamed to an own alias. */
  renameUser(user: User, to: string): void {
    if ((this.findUser(to) ?? user) !== user) throw new ImpossibleChange(`to: ${to} is taken`)
    if (user.organisation !== this.findOrganisation(domainOf(to))) {
      throw new ImpossibleChange(`to: ${domainOf(to)} is not a domain of the same organisation`)
    }
    user.aliases = [...user.aliases.filter((alias) => alias !== to), user.email]
    user.email = to
    this.#usersByAddress.set(to, user)
  }

  findOrganisation(domainOrCustomerId: string): Organisation | null {
    const byDomain = this.#organisationsByDomain.get(domainOrCustomerId.toLowerCase())
    return byDomain ?? this.organisations.find((one) => one.customerId === domainOrCustomerId) ?? null
  }

  getOrganisation(domainOrCustomerId: string): Organisation {
    const organisation = this.findOrganisation(domainOrCustomerId)
    if (organisation) return organisation
    const known = this.organisations.map(({ primaryDomain }) => primaryDomain).join(', ')
    throw new ImpossibleChange(`organisation: there is no ${domainOrCustomerId}; there are ${known}`)
  }

  getServiceAccount(emailOrClientId: string): ServiceAccount {
    const found =
      this.serviceAccounts.get(emailOrClientId) ??
      [...this.serviceAccounts.values()].find(({ clientId }) => clientId === emailOrClientId)
    if (!found) throw new ImpossibleChange(`serviceAccount: there is no ${emailOrClientId}`)
    return found
  }

  findRoom(organisation: Organisation | null, email: string): Room | null {
    return organisation?.rooms.find((room) => room.email === email) ?? null
  }
}

export const domainOf = (address: string) => address.slice(address.lastIndexOf('@') + 1).toLowerCase()
