import type { ProviderRead, ProviderReadAnswer } from '../provider.port.js'
import type { ConnectedAccount, UserReads } from '../user-access.js'
import type { Graph } from './graph.js'
import { cloudNamed } from './microsoft-cloud.js'
import { microsoftError } from './microsoft-errors.js'
import { OwnCalendars } from './own-calendars.js'

/** A person's token opens what others have shared with that person, too: that was not theirs to give. */
export class MicrosoftUserReads implements UserReads {
  readonly #ownCalendars: OwnCalendars

  constructor(private readonly graph: Graph) {
    this.#ownCalendars = new OwnCalendars(graph)
  }

  async readWith(
    token: string,
    { cloud, providerUserId }: ConnectedAccount,
    read: ProviderRead,
  ): Promise<ProviderReadAnswer> {
    const access = { token, cloud: cloudNamed(cloud) }
    if (read.calendarId) await this.#ownCalendars.refuseOthers(access, providerUserId, read.calendarId)
    const answer = await this.graph.read(access, read)
    if (answer.status !== 401) return answer
    await answer.discard()
    throw microsoftError('provider.token_rejected')
  }

  /** By what every permission of ours lets it see. */
  async tryToken(token: string, { cloud, providerUserId }: ConnectedAccount): Promise<void> {
    await this.graph.calendar({ token, cloud: cloudNamed(cloud) }, providerUserId)
  }
}
