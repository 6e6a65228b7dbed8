import type { Clock } from '#platform/clock/clock.js'
import type { ProviderRead } from '../provider.port.js'
import { NoAnswer, type ProviderAnswer, type ProviderHttp, type StreamedAnswer } from '../provider-http.js'
import { classifyGraphAnswer } from './classify-microsoft-failure.js'
import type { MicrosoftCloud } from './microsoft-cloud.js'
import { microsoftError } from './microsoft-errors.js'

export interface GraphUser {
  id: string
  userPrincipalName: string
  mail: string | null
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

const USER = '$select=id,userPrincipalName,mail,accountEnabled,displayName'

/** The few calls of Microsoft Graph that proof and check need. */
export class Graph {
  constructor(
    private readonly http: ProviderHttp,
    private readonly clock: Clock,
    private readonly cloud: MicrosoftCloud,
  ) {}

  user = (token: string, idOrName: string) =>
    this.#get<GraphUser>(token, `/users/${encodeURIComponent(idOrName)}?${USER}`)

  /** By any address of the mailbox; the path above knows ids and sign-in names only. */
  async findUserByAddress(token: string, address: string): Promise<GraphUser | null> {
    const filter = `proxyAddresses/any(a:a eq 'smtp:${address.replaceAll("'", "''")}')`
    const found = await this.#get<Page<GraphUser>>(token, `/users?${USER}&$filter=${encodeURIComponent(filter)}`)
    return found.value[0] ?? null
  }

  calendar = (token: string, userId: string) =>
    this.#get<GraphCalendar>(token, `/users/${encodeURIComponent(userId)}/calendar?$select=id,name,owner`)

  place = (token: string, address: string) => this.#get<GraphRoom>(token, `/places/${encodeURIComponent(address)}`)

  anyUser = (token: string) => this.#get<unknown>(token, '/users?$top=1&$select=id')

  anyRoom = (token: string) => this.#get<unknown>(token, '/places/microsoft.graph.room?$top=1')

  async organisation(token: string): Promise<GraphOrganisation | null> {
    const found = await this.#get<Page<GraphOrganisation>>(
      token,
      '/organization?$select=id,displayName,verifiedDomains',
    )
    return found.value[0] ?? null
  }

  /** Template ids of the administrator roles that the signed-in person holds, as far as this token may see them. */
  async myRoles(token: string): Promise<string[]> {
    const path = '/me/memberOf/microsoft.graph.directoryRole?$select=id,roleTemplateId'
    const { value } = await this.#get<Page<{ roleTemplateId: string | null }>>(token, path)
    return value.map(({ roleTemplateId }) => roleTemplateId).filter((id) => id !== null)
  }

  /** @param page undefined for the first, else what the page before named */
  async rooms(
    token: string,
    page = '/places/microsoft.graph.room?$top=100',
  ): Promise<{ rooms: GraphRoom[]; next?: string }> {
    const { value, '@odata.nextLink': next } = await this.#get<Page<GraphRoom>>(token, page)
    return { rooms: value, next }
  }

  async read(token: string, read: ProviderRead): Promise<StreamedAnswer> {
    return this.#answered(() => this.http.read(this.cloud.graph, read, { authorization: `Bearer ${token}` }))
  }

  async #get<T>(token: string, pathOrLink: string): Promise<T> {
    const url = this.#urlOf(pathOrLink)
    const answer: ProviderAnswer = await this.#answered(() =>
      this.http.call(url, { headers: { authorization: `Bearer ${token}`, accept: 'application/json' } }),
    )
    if (answer.status !== 200 || !answer.json) throw classifyGraphAnswer(answer, this.clock.now())
    return answer.json as T
  }

  /** A link to the next page carries our token, so it goes to Graph or nowhere. */
  #urlOf(pathOrLink: string): URL {
    if (pathOrLink.startsWith('/')) return new URL(`${this.cloud.graph}/v1.0${pathOrLink}`)
    const link = URL.parse(pathOrLink)
    if (link?.origin === this.cloud.graph) return link
    throw microsoftError('provider.unavailable', { detail: 'the next page is not on the Graph origin' })
  }

  async #answered<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      throw microsoftError('provider.unreachable', { detail: error.message })
    }
  }
}
