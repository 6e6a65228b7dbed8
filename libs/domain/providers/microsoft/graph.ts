import type { Clock } from '#platform/clock/clock.js'
import type { MailboxAnswer, MailboxCall } from '../provider.port.js'
import { classifyGraphAnswer } from './classify-microsoft-failure.js'
import type { MicrosoftCloud } from './microsoft-cloud.js'
import { microsoftError } from './microsoft-errors.js'
import type { MicrosoftHttp } from './microsoft-http.js'

/** A token, and the Graph that takes it: a token of one cloud is none in another. */
export interface GraphAccess {
  token: string
  cloud: MicrosoftCloud
}

export interface GraphUser {
  id: string
  userPrincipalName: string
  mail: string | null
  /** `SMTP:` before the primary address, `smtp:` before the others. */
  proxyAddresses?: string[]
  accountEnabled: boolean
  displayName: string | null
}
export interface GraphCalendar {
  id: string
  owner?: { name?: string; address?: string }
}
export interface GraphRoom {
  '@odata.type'?: string
  emailAddress: string
  displayName: string
  capacity: number | null
  building: string | null
  floorLabel?: string | null
  floorNumber: number | null
}
export interface GraphOrganisation {
  id: string
  displayName: string
  verifiedDomains: { name: string }[]
}
interface Page<T> {
  value: T[]
  '@odata.nextLink'?: string
}

const USER = '$select=id,userPrincipalName,mail,proxyAddresses,accountEnabled,displayName'

/** The few calls of Microsoft Graph that proof and check need. */
export class Graph {
  constructor(
    private readonly http: MicrosoftHttp,
    private readonly clock: Clock,
  ) {}

  user = (access: GraphAccess, idOrName: string) =>
    this.#get<GraphUser>(access, `/users/${encodeURIComponent(idOrName)}?${USER}`)

  /** By any address of the mailbox; the path above knows ids and sign-in names only. */
  async findUserByAddress(access: GraphAccess, address: string): Promise<GraphUser | null> {
    const filter = `proxyAddresses/any(a:a eq 'smtp:${address.replaceAll("'", "''")}')`
    const found = await this.#get<Page<GraphUser>>(access, `/users?${USER}&$filter=${encodeURIComponent(filter)}`)
    return found.value[0] ?? null
  }

  /** @param calendarId the mailbox's default one when left out */
  calendar(access: GraphAccess, userId: string, calendarId?: string): Promise<GraphCalendar> {
    const calendar = calendarId === undefined ? 'calendar' : `calendars/${encodeURIComponent(calendarId)}`
    return this.#get(access, `/users/${encodeURIComponent(userId)}/${calendar}?$select=id,name,owner`)
  }

  /** `user`, `shared`, `room` and the like. Needs a permission that nothing else needs: MailboxSettings.Read. */
  async mailboxPurpose(access: GraphAccess, userId: string): Promise<string | undefined> {
    const path = `/users/${encodeURIComponent(userId)}/mailboxSettings?$select=userPurpose`
    return (await this.#get<{ userPurpose?: { value?: string } }>(access, path)).userPurpose?.value
  }

  place = (access: GraphAccess, address: string) =>
    this.#get<GraphRoom>(access, `/places/${encodeURIComponent(address)}`)

  anyUser = (access: GraphAccess) => this.#get<unknown>(access, '/users?$top=1&$select=id')

  anyRoom = (access: GraphAccess) => this.#get<unknown>(access, '/places/microsoft.graph.room?$top=1')

  async organisation(access: GraphAccess): Promise<GraphOrganisation | null> {
    const found = await this.#get<Page<GraphOrganisation>>(
      access,
      '/organization?$select=id,displayName,verifiedDomains',
    )
    return found.value[0] ?? null
  }

  /** Template ids of the administrator roles that the signed-in person holds, as far as this token may see them. */
  async myRoles(access: GraphAccess): Promise<string[]> {
    const path = '/me/memberOf/microsoft.graph.directoryRole?$select=id,roleTemplateId'
    const { value } = await this.#get<Page<{ roleTemplateId: string | null }>>(access, path)
    return value.map(({ roleTemplateId }) => roleTemplateId).filter((id) => id !== null)
  }

  /** @param page undefined for the first, else what the page before named */
  async rooms(
    access: GraphAccess,
    page = '/places/microsoft.graph.room?$top=100',
  ): Promise<{ rooms: GraphRoom[]; next?: string }> {
    const { value, '@odata.nextLink': next } = await this.#get<Page<GraphRoom>>(access, page)
    return { rooms: value, next }
  }

  pass({ token, cloud }: GraphAccess, call: MailboxCall): Promise<MailboxAnswer> {
    return this.http.pass(new URL(cloud.graph), call, { authorization: `Bearer ${token}` })
  }

  async #get<T>({ token, cloud }: GraphAccess, pathOrLink: string): Promise<T> {
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
    const answer = await this.http.call(urlAt(cloud, pathOrLink), { headers })
    if (answer.status !== 200 || !answer.json) throw classifyGraphAnswer(answer, this.clock.now())
    return answer.json as T
  }
}

/** A link to the next page carries our token, so it goes to the same Graph or nowhere. */
function urlAt({ graph }: MicrosoftCloud, pathOrLink: string): URL {
  if (pathOrLink.startsWith('/')) return new URL(`${graph}/v1.0${pathOrLink}`)
  const link = URL.parse(pathOrLink)
  if (link?.origin === graph) return link
  throw microsoftError('provider.unavailable', { detail: 'the next page is not on the Graph origin' })
}
