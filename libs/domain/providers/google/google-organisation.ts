import { ProviderError } from '#platform/errors/provider-error.js'
import { type DelegatedPermission, GOOGLE_DIRECTORY_SCOPES, googleScopesFor } from '../delegated-scopes.js'
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
import type { DirectoryResource, GoogleApi } from './google-api.js'
import { googleError } from './google-errors.js'
import type { GoogleHttp } from './google-http.js'
import type { GoogleTokens } from './google-token.js'

const ROOM_DOMAIN = 'resource.calendar.google.com'
const ROOM_SCOPES = [GOOGLE_DIRECTORY_SCOPES.rooms]
const USER_SCOPES = [GOOGLE_DIRECTORY_SCOPES.users]

/**
 * People are acted as themselves (`sub` is the mailbox). Rooms are no accounts at Google: they are read through the
 * administrator's mailbox, which is no fallback but the only road there is.
 */
export class GoogleOrganisation implements OrganisationProvider {
  readonly name = 'google'

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
    if (!organisation.domains.includes(domainOf(email))) throw googleError('google.mailbox_outside_organisation')
    try {
      const scopes = googleScopesFor(permissions)
      const calendar = await this.tokens.as(organisation, email, scopes, this.api.primaryCalendar)
      if (!sameAddress(calendar.id, email)) throw this.#mismatch(organisation, calendar.id)
      const named = calendar.summaryOverride ?? calendar.summary ?? null
      return {
        email,
        kind: 'person',
        displayName: sameAddress(named, email) ? null : named,
        providerUserId: normalised(calendar.id),
      }
    } catch (error) {
      if (!(error instanceof ProviderError) || error.code !== 'google.subject_not_found') throw error
      throw await this.#whyNotFound(organisation, email, error)
    }
  }

  async #proveRoom(
    organisation: Organisation,
    email: string,
    permissions: readonly DelegatedPermission[],
  ): Promise<MailboxProof> {
    const { items = [] } = await this.tokens.asAdministrator(organisation, ROOM_SCOPES, (token) =>
      this.api.resources(token, { email }),
    )
    const room = items.find((item) => sameAddress(item.resourceEmail, email))
    if (!room) throw googleError('google.room_not_found')
    await this.tokens.asAdministrator(organisation, googleScopesFor(permissions), (token) =>
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
      const page = await this.tokens.asAdministrator(organisation, ROOM_SCOPES, (token) =>
        this.api.resources(token, { pageToken }),
      )
      yield* (page.items ?? []).map(roomFrom)
      pageToken = page.nextPageToken
    } while (pageToken)
  }

  readAs(
    organisation: Organisation,
    mailbox: { email: string; kind: MailboxKind },
    permissions: readonly DelegatedPermission[],
    read: ProviderRead,
  ): Promise<ProviderReadAnswer> {
    const subject = mailbox.kind === 'room' ? organisation.administratorEmail : mailbox.email
    return this.tokens.as(organisation, subject, googleScopesFor(permissions), async (token) => {
      const answer = await this.http.read('www.googleapis.com', read, token)
      if (answer.status !== 401) return answer
      await answer.discard()
      throw googleError('provider.token_rejected')
    })
  }

  /** The token endpoint says the same of a stranger and of a suspended user; the directory tells them apart. */
  async #whyNotFound(organisation: Organisation, email: string, refusal: ProviderError): Promise<ProviderError> {
    try {
      const user = await this.tokens.asAdministrator(organisation, USER_SCOPES, (token) => this.api.user(token, email))
      if (user.suspended || user.archived) return googleError('google.subject_suspended')
      return sameAddress(user.primaryEmail, email) ? refusal : this.#mismatch(organisation, user.primaryEmail)
    } catch {
      return refusal
    }
  }

  /** Names the other address only where it is the same organisation's, whose administrator asked. */
  #mismatch(organisation: Organisation, actual: string): ProviderError {
    const ours = organisation.domains.includes(domainOf(actual))
    return googleError(
      'google.mailbox_mismatch',
      ours ? { problem: `This address is an alias of ${actual}.`, fix: `Ask for ${actual} instead.` } : {},
    )
  }
}

const roomFrom = (item: DirectoryResource): Room => ({
  email: normalised(item.resourceEmail),
  name: item.resourceName ?? item.resourceEmail,
  capacity: item.capacity ?? null,
  building: item.buildingId ?? null,
  floor: item.floorName ?? null,
})
