import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { hours } from '#platform/clock/clock.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { Secret } from '#platform/secrets/secret.js'
import {
  type DelegatedPermission,
  GOOGLE_DIRECTORY_SCOPES,
  googlePersonScopesFor,
  googleScopesFor,
} from '../delegated-scopes.js'
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
import { isThrottled } from '../tokens/mint-budget.js'
import type { UseToken } from '../tokens/wanted-token.js'
import type { DirectoryResource, GoogleApi } from './google-api.js'
import { type GoogleErrorKey, googleError } from './google-errors.js'
import type { GoogleHttp } from './google-http.js'
import type { GoogleTokens } from './google-token.js'

const ROOM_DOMAIN = 'resource.calendar.google.com'
const ROOM_SCOPES = [GOOGLE_DIRECTORY_SCOPES.rooms]
const USER_SCOPES = [GOOGLE_DIRECTORY_SCOPES.users]
const ROOM_TOKENS_ARE_NOT_ITS_OWN =
  'Google reads a room with a token of the administrator, which opens more than the room.'
const IDENTITIES_KEPT = 10_000
/** Said of an address, by an endpoint that does not know users by anything else. */
const MAY_HAVE_MOVED: ReadonlySet<string> = new Set<GoogleErrorKey>([
  'google.subject_not_found',
  'google.subject_deleted',
])

/**
 * People are acted as themselves (`sub` is the mailbox). Rooms are no accounts at Google: they are read through the
 * administrator's mailbox, which is no fallback but the only road there is.
 */
export class GoogleOrganisation implements OrganisationProvider {
  readonly name = 'google'
  /** The user behind a token, for as long as the token is in use: it is issued to the user, not to the address. */
  readonly #users = new RecentlyUsed<string>(IDENTITIES_KEPT, {
    fetchMethod: async (token) => (await this.api.identity(token)).id,
  })

  /** Present addresses of people whose granted one is gone, by organisation and user. */
  readonly #movedTo = new RecentlyUsed<string>(IDENTITIES_KEPT, { ttl: hours(1) })

  constructor(
    private readonly tokens: GoogleTokens,
    private readonly api: GoogleApi,
    private readonly http: GoogleHttp,
  ) {}

  async proveMailbox(
    organisation: Organisation,
    email: string,
    permissions: readonly DelegatedPermission[],
    mayBe: readonly MailboxKind[],
  ): Promise<MailboxProof> {
    const kind = domainOf(email) === ROOM_DOMAIN ? 'room' : 'person'
    if (!mayBe.includes(kind)) throw googleError('google.kind_not_granted')
    return kind === 'room'
      ? this.#proveRoom(organisation, normalised(email), permissions)
      : this.#provePerson(organisation, normalised(email), permissions)
  }

  async #provePerson(
    organisation: Organisation,
    email: string,
    permissions: readonly DelegatedPermission[],
  ): Promise<MailboxProof> {
    refuseOutside(organisation, email)
    try {
      return await this.#proveAs(organisation, email, permissions)
    } catch (error) {
      if (!(error instanceof ProviderError) || error.code !== 'google.subject_not_found') throw error
      const primaryEmail = await this.#primaryAddress(organisation, email, error)
      return this.#proveAs(organisation, primaryEmail, permissions)
    }
  }

  /** The calendar shows that we may, the identity shows whose it is; asked side by side, so it takes no longer than one. */
  #proveAs(
    organisation: Organisation,
    email: string,
    permissions: readonly DelegatedPermission[],
  ): Promise<MailboxProof> {
    return this.tokens.as(organisation, email, googlePersonScopesFor(permissions), 'bulk', async (token) => {
      const [calendar, { id, primaryEmail }] = await Promise.all([
        this.api.primaryCalendar(token),
        this.api.identity(token),
      ])
      refuseOutside(organisation, primaryEmail)
      this.#users.set(token, id)
      const named = calendar.summaryOverride ?? calendar.summary ?? null
      const displayName = [email, primaryEmail].some((address) => sameAddress(named, address)) ? null : named
      return { email: primaryEmail, kind: 'person', displayName, providerUserId: id }
    })
  }

  async #proveRoom(
    organisation: Organisation,
    email: string,
    permissions: readonly DelegatedPermission[],
  ): Promise<MailboxProof> {
    const { items = [] } = await this.tokens.asAdministrator(organisation, ROOM_SCOPES, 'bulk', (token) =>
      this.api.resources(token, { email }),
    )
    const room = items.find((item) => sameAddress(item.resourceEmail, email))
    if (!room) throw googleError('google.room_not_found')
    await this.tokens.asAdministrator(organisation, googleScopesFor(permissions), 'bulk', (token) =>
      this.#seeRoom(token, email, permissions),
    )
    return { email, kind: 'room', displayName: room.resourceName ?? null, providerUserId: room.resourceId }
  }

  /** With what was granted, and no more. Without free/busy and events there is nothing of a room to see but that it is. */
  #seeRoom(token: string, email: string, permissions: readonly DelegatedPermission[]): Promise<unknown> {
    if (permissions.includes('read_free_busy')) return this.api.freeBusy(token, email)
    const scopes = googleScopesFor(permissions)
    return scopes.some((scope) => scope.includes('calendar.events'))
      ? this.api.firstEvent(token, email)
      : this.api.primaryCalendar(token)
  }

  async *listRooms(organisation: Organisation): AsyncIterable<Room> {
    let pageToken: string | undefined
    do {
      const page = await this.tokens.asAdministrator(organisation, ROOM_SCOPES, 'interactive', (token) =>
        this.api.resources(token, { pageToken }),
      )
      yield* (page.items ?? []).map(roomFrom)
      pageToken = page.nextPageToken
    } while (pageToken)
  }

  async callAs(
    organisation: Organisation,
    mailbox: ProvenMailbox,
    permissions: readonly DelegatedPermission[],
    call: MailboxCall,
  ): Promise<MailboxAnswer> {
    if (mailbox.kind === 'room')
      return this.tokens.as(
        organisation,
        organisation.administratorEmail,
        googleScopesFor(permissions),
        'interactive',
        (token) => this.#pass(call, token),
      )
    return this.#asPerson(organisation, mailbox, permissions, async (token) => {
      if ((await this.#users.fetch(token)) !== mailbox.providerUserId) throw googleError('grant.mailbox_reassigned')
      return this.#pass(call, token)
    })
  }

  /**
   * The one with which we act as this person ourselves, so with the scope by which it says whose it is. That is asked anew
   * each time: whoever gets it cannot send it back to us when Google takes it no more.
   */
  async tokenFor(
    organisation: Organisation,
    mailbox: ProvenMailbox,
    permissions: readonly DelegatedPermission[],
  ): Promise<HandedToken> {
    if (mailbox.kind === 'room') throw tokenTooWide('google', ROOM_TOKENS_ARE_NOT_ITS_OWN)
    return this.#asPerson(organisation, mailbox, permissions, async (token, usableUntil) => {
      const { id } = await this.api.identity(token)
      if (id !== mailbox.providerUserId) throw googleError('grant.mailbox_reassigned')
      return { token: new Secret(token), usableUntil }
    })
  }

  /** By the present address, which may be another than was granted. */
  async #asPerson<T>(
    organisation: Organisation,
    mailbox: ProvenMailbox,
    permissions: readonly DelegatedPermission[],
    use: UseToken<T>,
  ): Promise<T> {
    const asPersonAt = (address: string) =>
      this.tokens.as(organisation, address, googlePersonScopesFor(permissions), 'interactive', use)
    const moved = `${organisation.id} ${mailbox.providerUserId}`
    const email = this.#movedTo.get(moved) ?? mailbox.email
    try {
      return await asPersonAt(email)
    } catch (error) {
      if (!(error instanceof ProviderError) || !MAY_HAVE_MOVED.has(error.code)) throw error
      const address = await this.#presentAddress(organisation, mailbox, error)
      this.#movedTo.set(moved, address)
      if (sameAddress(address, email)) throw error
      return asPersonAt(address)
    }
  }

  async #pass(call: MailboxCall, token: string): Promise<MailboxAnswer> {
    const answer = await this.http.pass('www.googleapis.com', call, token)
    if (answer.status !== 401) return answer
    discard(answer)
    throw googleError('provider.token_rejected')
  }

  /** By the user id, which outlives every address: the token endpoint says the same of a name that was changed and of one who left. */
  async #presentAddress(
    organisation: Organisation,
    { providerUserId }: ProvenMailbox,
    refusal: ProviderError,
  ): Promise<string> {
    const user = await this.tokens
      .asAdministrator(organisation, USER_SCOPES, 'interactive', (token) => this.api.user(token, providerUserId))
      .catch((error) => {
        if (isThrottled(error)) throw error
        if (error instanceof ProviderError && error.code === 'google.not_found')
          throw googleError('google.subject_deleted')
        throw refusal
      })
    if (user.suspended || user.archived) throw googleError('google.subject_suspended')
    refuseOutside(organisation, user.primaryEmail)
    return normalised(user.primaryEmail)
  }

  /** The token endpoint may say the same of a stranger, of an alias and of a suspended user; the directory tells them apart. */
  async #primaryAddress(organisation: Organisation, email: string, refusal: ProviderError): Promise<string> {
    const user = await this.tokens
      .asAdministrator(organisation, USER_SCOPES, 'bulk', (token) => this.api.user(token, email))
      .catch((error) => {
        // The budget's "later" is no silence of the directory: it may know the address then.
        if (isThrottled(error)) throw error
        return null
      })
    if (user?.suspended || user?.archived) throw googleError('google.subject_suspended')
    if (!user || sameAddress(user.primaryEmail, email)) throw refusal
    refuseOutside(organisation, user.primaryEmail)
    return normalised(user.primaryEmail)
  }
}

function refuseOutside({ domains }: Organisation, email: string): void {
  if (!domains.includes(domainOf(email))) throw googleError('google.mailbox_outside_organisation')
}

const roomFrom = (item: DirectoryResource): Room => ({
  email: normalised(item.resourceEmail),
  name: item.resourceName ?? item.resourceEmail,
  capacity: item.capacity ?? null,
  building: item.buildingId ?? null,
  floor: item.floorName ?? null,
})
