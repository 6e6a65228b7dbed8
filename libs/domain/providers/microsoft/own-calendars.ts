import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { sameAddress } from '../mailbox-address.js'
import type { Graph, GraphAccess } from './graph.js'
import { microsoftError } from './microsoft-errors.js'

const KEPT = 10_000

/**
 * Which calendars are the mailbox's own. One that a colleague has shared lies among them, and the application's token
 * opens it whether or not anybody gave consent for the colleague.
 */
export class OwnCalendars {
  /** A calendar does not change its owner, so what is known once stays true. */
  readonly #known = new RecentlyUsed<true>(KEPT)

  constructor(private readonly graph: Graph) {}

  /** @throws ProviderError microsoft.calendar_of_another, and microsoft.not_found: whose owner cannot be seen, that is not opened */
  async refuseOthers(access: GraphAccess, userId: string, calendarId: string): Promise<void> {
    const key = `${userId} ${calendarId}`
    if (this.#known.has(key)) return
    const [calendar, own] = await Promise.all([
      this.graph.calendar(access, userId, calendarId),
      this.graph.calendar(access, userId),
    ])
    if (!sameAddress(calendar.owner?.address, own.owner?.address)) throw microsoftError('microsoft.calendar_of_another')
    this.#known.set(key, true)
  }
}
