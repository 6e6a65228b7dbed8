import { ProviderError } from '#platform/errors/provider-error.js'
import type { DelegatedPermission } from '../delegated-scopes.js'
import { domainOf, normalised, sameAddress } from '../mailbox-address.js'
import type {
  MailboxKind,
  MailboxProof,
  Organisation,
  OrganisationProvider,
  ProviderRead,
  ProviderReadAnswer,
  Room,
} from '../provider.port.js'
import type { Graph, GraphRoom, GraphUser } from './graph.js'
import { type MicrosoftErrorKey, microsoftError } from './microsoft-errors.js'
import type { MicrosoftTokens } from './microsoft-token.js'

/**
 * One app-only token opens every mailbox of the organisation, so the token proves nothing about a mailbox: its calendar
 * has to be opened, by the id that the directory gives for the address, and has to name the same owner.
 */
export class MicrosoftOrganisation implements OrganisationProvider {
  readonly name = 'microsoft'

  constructor(
    private readonly tokens: MicrosoftTokens,
    private readonly graph: Graph,
  ) {}

  async proveMailbox(
    organisation: Organisation,
    email: string,
    _permissions: readonly DelegatedPermission[],
    mayBe: readonly MailboxKind[],
  ): Promise<MailboxProof> {
    const { domains } = organisation
    const address = addressWithin(domains, email)
    return this.tokens.as(organisation, 'bulk', (token) => this.#prove(token, domains, address, mayBe))
  }

  /** For the live check, which has no organisation yet. @param token app-only, of the organisation with these domains */
  async proveWith(token: string, domains: readonly string[], email: string): Promise<MailboxProof> {
    return this.#prove(token, domains, addressWithin(domains, email), ['person', 'room'])
  }

  async #prove(
    token: string,
    domains: readonly string[],
    address: string,
    mayBe: readonly MailboxKind[],
  ): Promise<MailboxProof> {
    const user = await this.#userOf(token, domains, address)
    const kind = await this.#kindOf(token, user, address, mayBe)
    if (!mayBe.includes(kind)) throw microsoftError('microsoft.kind_not_granted')
    if (kind === 'person' && !user.accountEnabled) throw microsoftError('microsoft.user_disabled')
    const { owner } = await this.graph.calendar(token, user.id)
    if (![address, user.mail, user.userPrincipalName].some((own) => sameAddress(owner?.address, own)))
      throw microsoftError('microsoft.mailbox_mismatch', {
        problem: 'The calendar that opened belongs to another mailbox.',
      })
    return { email: address, kind, displayName: user.displayName, providerUserId: user.id }
  }

  /** Where the sign-in name is not the address, the directory has to be searched; where it is, one call does. */
  async #userOf(token: string, domains: readonly string[], address: string): Promise<GraphUser> {
    try {
      return await this.graph.user(token, address)
    } catch (error) {
      if (!isOneOf(error, ['microsoft.user_not_found'])) throw error
      const user = await this.graph.findUserByAddress(token, address)
      if (!user) throw error
      if (sameAddress(user.mail, address)) return user
      const primary = user.mail ?? user.userPrincipalName
      const named = { problem: `This address is an alias of ${primary}.`, fix: `Ask for ${primary} instead.` }
      throw microsoftError('microsoft.mailbox_mismatch', domains.includes(domainOf(primary)) ? named : {})
    }
  }

  /**
   * Asked only where it makes a difference: nobody signs in as a room, so an enabled account counts as a person when
   * both kinds are covered.
   */
  async #kindOf(token: string, user: GraphUser, address: string, mayBe: readonly MailboxKind[]): Promise<MailboxKind> {
    if (user.accountEnabled && mayBe.includes('person') && mayBe.includes('room')) return 'person'
    try {
      const place = await this.graph.place(token, address)
      return place['@odata.type']?.toLowerCase().endsWith('roomlist') ? 'person' : 'room'
    } catch (error) {
      if (isOneOf(error, NO_SUCH_PLACE)) return 'person'
      // A consent for people only does not include looking at places.
      if (isOneOf(error, MAY_NOT_SEE_PLACES) && !mayBe.includes('room')) return 'person'
      throw isOneOf(error, MAY_NOT_SEE_PLACES) ? microsoftError('microsoft.permission_missing') : error
    }
  }

  async *listRooms(organisation: Organisation): AsyncIterable<Room> {
    let next: string | undefined
    do {
      const page = await this.tokens.as(organisation, 'interactive', (token) => this.graph.rooms(token, next))
      yield* page.rooms.map(roomFrom)
      next = page.next
    } while (next)
  }

  readAs(
    organisation: Organisation,
    _mailbox: { email: string; kind: MailboxKind },
    _permissions: readonly DelegatedPermission[],
    read: ProviderRead,
  ): Promise<ProviderReadAnswer> {
    return this.tokens.as(organisation, 'interactive', async (token) => {
      const answer = await this.graph.read(token, read)
      if (answer.status !== 401) return answer
      await answer.discard()
      throw microsoftError('provider.token_rejected')
    })
  }
}

function addressWithin(domains: readonly string[], email: string): string {
  if (domains.includes(domainOf(email))) return normalised(email)
  throw microsoftError('microsoft.mailbox_outside_organisation')
}

const NO_SUCH_PLACE: MicrosoftErrorKey[] = [
  'microsoft.not_found',
  'microsoft.user_not_found',
  'microsoft.mailbox_not_found',
]
/** Graph uses the mailbox's word for it here. */
const MAY_NOT_SEE_PLACES: MicrosoftErrorKey[] = ['microsoft.permission_missing', 'microsoft.mailbox_access_denied']

const isOneOf = (error: unknown, keys: readonly MicrosoftErrorKey[]) =>
  error instanceof ProviderError && (keys as readonly string[]).includes(error.code)

const roomFrom = (room: GraphRoom): Room => ({
  email: normalised(room.emailAddress),
  name: room.displayName,
  capacity: room.capacity ?? null,
  building: room.building ?? null,
  floor: room.floorLabel ?? (room.floorNumber === null ? null : String(room.floorNumber)),
})
