import type { Clock } from '#platform/clock/clock.js'
import { normalised } from '../mailbox-address.js'
import type { ProviderCall } from '../provider-http.js'
import { googleError } from './google-errors.js'
import type { GoogleHttp } from './google-http.js'

const DIRECTORY = '/admin/directory/v1'
const CALENDAR = '/calendar/v3'
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
/** Whom a token acts as. */
export interface GoogleIdentity {
  id: string
  primaryEmail: string
}
interface FreeBusy {
  calendars?: Record<string, { errors?: { reason?: string }[] }>
}

/** The few calls that proof and check need. Google's generated clients cost half as much again as the call, for six URLs. */
export class GoogleApi {
  constructor(
    private readonly http: GoogleHttp,
    private readonly clock: Clock,
  ) {}

  async identity(token: string): Promise<GoogleIdentity> {
    const headers = { authorization: `Bearer ${token}` }
    const { sub, email } = await this.http.call<{ sub?: string; email?: string }>(
      'api',
      'openidconnect.googleapis.com',
      '/v1/userinfo',
      { headers },
    )
    if (!sub || !email) throw googleError('provider.unavailable', { detail: 'userinfo named nobody' })
    return { id: sub, primaryEmail: normalised(email) }
  }

  primaryCalendar = (token: string) => this.#calendar<CalendarListEntry>(token, '/users/me/calendarList/primary')

  firstEvent = (token: string, calendarId: string) =>
    this.#calendar<object>(token, `/calendars/${encodeURIComponent(calendarId)}/events?maxResults=1&fields=kind`)

  /** Free/busy answers 200 and puts a calendar that it cannot see inside the answer. */
  async freeBusy(token: string, calendarId: string): Promise<void> {
    const now = this.clock.now()
    const body = JSON.stringify({
      timeMin: now.toISOString(),
      timeMax: new Date(now.getTime() + 60_000).toISOString(),
      items: [{ id: calendarId }],
    })
    const headers = { 'content-type': 'application/json' }
    const answer = await this.#calendar<FreeBusy>(token, '/freeBusy', { method: 'POST', headers, body })
    const seen = answer.calendars?.[calendarId]
    const reason = seen ? seen.errors?.[0]?.reason : 'notFound'
    if (reason) throw googleError('google.not_found', { detail: `free/busy said ${reason}` })
  }

  user = (token: string, email: string) => this.#directory<DirectoryUser>(token, `/users/${encodeURIComponent(email)}`)

  async domains(token: string): Promise<DirectoryDomain[]> {
    const answer = await this.#directory<{ domains?: DirectoryDomain[] }>(token, '/customer/my_customer/domains')
    return answer.domains ?? []
  }

  resources(token: string, { pageToken, email }: { pageToken?: string; email?: string } = {}) {
    const query = new URLSearchParams({ maxResults: String(PAGE_SIZE) })
    if (pageToken) query.set('pageToken', pageToken)
    if (email) query.set('query', `resourceEmail=${email}`)
    return this.#directory<{ items?: DirectoryResource[]; nextPageToken?: string }>(
      token,
      `/customer/my_customer/resources/calendars?${query}`,
    )
  }

  #calendar<T extends object>(token: string, path: string, call: ProviderCall = {}): Promise<T> {
    const headers = { authorization: `Bearer ${token}`, ...call.headers }
    return this.http.call<T>('api', 'www.googleapis.com', CALENDAR + path, { ...call, headers })
  }

  #directory<T extends object>(token: string, path: string): Promise<T> {
    const headers = { authorization: `Bearer ${token}` }
    return this.http.call<T>('api', 'admin.googleapis.com', DIRECTORY + path, { headers })
  }
}
