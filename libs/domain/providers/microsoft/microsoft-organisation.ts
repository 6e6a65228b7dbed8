import { ProviderError } from '#platform/errors/provider-error.js'
import type { DelegatedPermission } from '../delegated-scopes.js'
import { domainOf, normalised, sameAddress } from '../mailbox-address.js'
import { discard } from '../passed-answer.js'
import type {
  HandedToken,
  MailboxAnswer,
  MailboxCall,
  MailboxKind,
  MailboxProof,
  Organisation,
  OrganisationProvider,
  ProvenMailbox,
  Room,
} from '../provider.port.js'
import { tokenTooWide } from '../provider-errors.js'
import type { Graph, GraphAccess, GraphRoom, GraphUser } from './graph.js'
import { type MicrosoftErrorKey, microsoftError } from './microsoft-errors.js'
import type { MicrosoftTokens } from './microsoft-token.js'
import { OwnCalendars } from './own-calendars.js'

/**
 * One app-only token opens every mailbox of the organisation, so the token proves nothing about a mailbox: its calendar
 * has to be opened, by the id that the directory gives for the address, and has to name the same owner.
 */
export class MicrosoftOrganisation implements OrganisationProvider {
  readonly name = 'microsoft'
  readonly #ownCalendars: OwnCalendars

  constructor(
    private readonly tokens: MicrosoftTokens,
    private readonly graph: Graph,
  ) {
    this.#ownCalendars = new OwnCalendars(graph)
  }

  async proveMailbox(
    organisation: Organisation,
    email: string,
    _permissions: readonly DelegatedPermission[],
    mayBe: readonly MailboxKind[],
  ): Promise<MailboxProof> {
    refuseOutside(organisation.domains, email)
    return this.tokens.as(organisation, 'bulk', (access) =>
      this.#prove(access, organisation.domains, normalised(email), mayBe),
    )
  }

  /** For the live check, which has no organisation yet. @param access app-only, of the organisation with these domains */
  async proveWith(access: GraphAccess, domains: readonly string[], email: string): Promise<MailboxProof> {
    refuseOutside(domains, email)
    return this.#prove(access, domains, normalised(email), ['person', 'room'])
  }

  async #prove(
    access: GraphAccess,
    domains: readonly string[],
    address: string,
    mayBe: readonly MailboxKind[],
  ): Promise<MailboxProof> {
    const user = await this.#userOf(access, address)
    const email = normalised(user.mail ?? user.userPrincipalName)
    refuseOutside(domains, email)
    const kind = await this.#kindOf(access, user, email, mayBe)
    if (!mayBe.includes(kind)) throw microsoftError('microsoft.kind_not_granted')
    const { owner } = await this.graph.calendar(access, user.id)
    if (![email, user.userPrincipalName].some((own) => sameAddress(owner?.address, own)))
      throw microsoftError('microsoft.mailbox_mismatch')
    if (kind === 'person' && !user.accountEnabled) await this.#refuseUnlessShared(access, user)
    return { email, kind, displayName: user.displayName, providerUserId: user.id }
  }

  /**
   * Whoever receives mail at the address. A sign-in name often looks like an address and may be another person's: only
   * where nobody has the address does it count.
   */
  async #userOf(access: GraphAccess, address: string): Promise<GraphUser> {
    const named = await this.#findUserNamed(access, address)
    if (named && addressesOf(named).some((own) => sameAddress(own, address))) return named
    const user = (await this.graph.findUserByAddress(access, address)) ?? named
    if (!user) throw microsoftError('microsoft.user_not_found')
    return user
  }

  async #findUserNamed(access: GraphAccess, name: string): Promise<GraphUser | null> {
    try {
      return await this.graph.user(access, name)
    } catch (error) {
      if (isOneOf(error, ['microsoft.user_not_found'])) return null
      throw error
    }
  }

  /** Nobody signs in as a shared mailbox, so its account looks like one that was blocked; only the mailbox says which it is. */
  async #refuseUnlessShared(access: GraphAccess, user: GraphUser): Promise<void> {
    try {
      if ((await this.graph.mailboxPurpose(access, user.id)) === 'shared') return
    } catch (error) {
      if (!isOneOf(error, MAY_NOT_SEE)) throw error
    }
    throw microsoftError('microsoft.user_disabled')
  }

  /**
   * Asked only where it makes a difference: nobody signs in as a room, so an enabled account counts as a person when
   * both kinds are covered.
   */
  async #kindOf(
    access: GraphAccess,
    user: GraphUser,
    address: string,
    mayBe: readonly MailboxKind[],
  ): Promise<MailboxKind> {
    if (user.accountEnabled && mayBe.includes('person') && mayBe.includes('room')) return 'person'
    try {
      const place = await this.graph.place(access, address)
      return place['@odata.type']?.toLowerCase().endsWith('roomlist') ? 'person' : 'room'
    } catch (error) {
      if (isOneOf(error, NO_SUCH_PLACE)) return 'person'
      // A consent for people only does not include looking at places.
      if (isOneOf(error, MAY_NOT_SEE) && !mayBe.includes('room')) return 'person'
      throw isOneOf(error, MAY_NOT_SEE) ? microsoftError('microsoft.permission_missing') : error
    }
  }

  async *listRooms(organisation: Organisation): AsyncIterable<Room> {
    let next: string | undefined
    do {
      const page = await this.tokens.as(organisation, 'interactive', (access) => this.graph.rooms(access, next))
      yield* page.rooms.map(roomFrom)
      next = page.next
    } while (next)
  }

  callAs(
    organisation: Organisation,
    { providerUserId }: ProvenMailbox,
    _permissions: readonly DelegatedPermission[],
    call: MailboxCall,
  ): Promise<MailboxAnswer> {
    return this.tokens.as(organisation, 'interactive', async (access) => {
      if (call.calendarId) await this.#ownCalendars.refuseOthers(access, providerUserId, call.calendarId)
      const answer = await this.graph.pass(access, call)
      if (answer.status !== 401) return answer
      discard(answer)
      throw microsoftError('provider.token_rejected')
    })
  }

  async tokenFor(): Promise<HandedToken> {
    throw tokenTooWide(
      'microsoft',
      'At Microsoft the token of a service account is the token of the application, which opens every mailbox of the organisation.',
    )
  }
}

function refuseOutside(domains: readonly string[], email: string): void {
  if (!domains.includes(domainOf(email))) throw microsoftError('microsoft.mailbox_outside_organisation')
}

const addressesOf = ({ mail, proxyAddresses = [] }: GraphUser): (string | null)[] => [
  mail,
  ...proxyAddresses.map((address) => address.replace(/^smtp:/i, '')),
]

const NO_SUCH_PLACE: MicrosoftErrorKey[] = [
  'microsoft.not_found',
  'microsoft.user_not_found',
  'microsoft.mailbox_not_found',
]
/** Graph uses the mailbox's word for it here. */
const MAY_NOT_SEE: MicrosoftErrorKey[] = ['microsoft.permission_missing', 'microsoft.mailbox_access_denied']

const isOneOf = (error: unknown, keys: readonly MicrosoftErrorKey[]) =>
  error instanceof ProviderError && (keys as readonly string[]).includes(error.code)

const roomFrom = (room: GraphRoom): Room => ({
  email: normalised(room.emailAddress),
  name: room.displayName,
  capacity: room.capacity ?? null,
  building: room.building ?? null,
  floor: room.floorLabel ?? (room.floorNumber === null ? null : String(room.floorNumber)),
})
