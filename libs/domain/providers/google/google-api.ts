import type { gaxios } from 'google-auth-library'
import type { Clock } from '#platform/clock/clock.js'
import { classifyGoogleFailure } from './classify-google-failure.js'
import { googleError } from './google-errors.js'
import type { Transport } from './google-transport.js'

const DIRECTORY = 'https://admin.googleapis.com/admin/directory/v1'
const CALENDAR = 'https://www.googleapis.com/calendar/v3'
const PAGE_SIZE = 500

export interface DirectoryUser {
  id: string
  primaryEmail: string
  name?: { fullName?: string }
  suspended?: boolean
  archived?: boolean
  isAdmin?: boolean
  customerId: string
}
export interface DirectoryDomain {
  domainName: string
  isPrimary?: boolean
  verified?: boolean
  domainAliases?: { domainAliasName: string; verified?: boolean }[]
}
export interface DirectoryResource {
  resourceId: string
  resourceEmail: string
  resourceName?: string
  capacity?: number
  buildingId?: string
  floorName?: string
}
export interface CalendarListEntry {
  id: string
  summary?: string
  summaryOverride?: string
}
interface FreeBusy {
  calendars?: Record<string, { errors?: { reason?: string }[] }>
}

/**
 * The few calls that proof and check need, through the same transporter as the tokens. The generated clients would add
 * half as much again to the cost of a mint, and a second copy of the auth library, for six URLs.
 */
export class GoogleApi {
  constructor(
    private readonly transport: Transport,
    private readonly clock: Clock,
  ) {}

  primaryCalendar = (token: string) => this.#call<CalendarListEntry>(token, `${CALENDAR}/users/me/calendarList/primary`)

  firstEvent = (token: string, calendarId: string) =>
    this.#call<unknown>(
      token,
      `${CALENDAR}/calendars/${encodeURIComponent(calendarId)}/events?maxResults=1&fields=kind`,
    )

  /** Free/busy answers 200 and puts a calendar that it cannot see inside the answer. */
  async freeBusy(token: string, calendarId: string): Promise<void> {
    const now = this.clock.now()
    const answer = await this.#call<FreeBusy>(token, `${CALENDAR}/freeBusy`, {
      method: 'POST',
      data: {
        timeMin: now.toISOString(),
        timeMax: new Date(now.getTime() + 60_000).toISOString(),
        items: [{ id: calendarId }],
      },
    })
    const seen = answer.calendars?.[calendarId]
    const reason = seen ? seen.errors?.[0]?.reason : 'notFound'
    if (reason) throw googleError('google.not_found', { detail: `free/busy said ${reason}` })
  }

  user = (token: string, email: string) =>
    this.#call<DirectoryUser>(token, `${DIRECTORY}/users/${encodeURIComponent(email)}`)

  async domains(token: string): Promise<DirectoryDomain[]> {
    const answer = await this.#call<{ domains?: DirectoryDomain[] }>(token, `${DIRECTORY}/customer/my_customer/domains`)
    return answer.domains ?? []
  }

  resources(token: string, { pageToken, email }: { pageToken?: string; email?: string } = {}) {
    const query = new URLSearchParams({ maxResults: String(PAGE_SIZE) })
    if (pageToken) query.set('pageToken', pageToken)
    if (email) query.set('query', `resourceEmail=${email}`)
    return this.#call<{ items?: DirectoryResource[]; nextPageToken?: string }>(
      token,
      `${DIRECTORY}/customer/my_customer/resources/calendars?${query}`,
    )
  }

  async #call<T extends object | unknown>(token: string, url: string, more: gaxios.GaxiosOptions = {}): Promise<T> {
    try {
      const headers = { authorization: `Bearer ${token}` }
      const { data } = await this.transport.request<T>({ url: new URL(url), headers, responseType: 'json', ...more })
      if (typeof data !== 'object' || data === null)
        throw googleError('provider.unavailable', { detail: 'the answer was not JSON' })
      return data
    } catch (error) {
      throw classifyGoogleFailure(error, 'api', this.clock.now())
    }
  }
}
