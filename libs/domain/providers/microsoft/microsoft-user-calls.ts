import { discard } from '../passed-answer.js'
import type { MailboxAnswer, MailboxCall } from '../provider.port.js'
import type { ConnectedAccount, UserCalls } from '../user-access.js'
import type { Graph } from './graph.js'
import { cloudNamed } from './microsoft-cloud.js'
import { microsoftError } from './microsoft-errors.js'
import { OwnCalendars } from './own-calendars.js'

/** A person's token opens what others have shared with that person, too: that was not theirs to give. */
export class MicrosoftUserCalls implements UserCalls {
  readonly #ownCalendars: OwnCalendars

  constructor(private readonly graph: Graph) {
    this.#ownCalendars = new OwnCalendars(graph)
  }

  async callWith(
    token: string,
    { cloud, providerUserId }: ConnectedAccount,
    call: MailboxCall,
  ): Promise<MailboxAnswer> {
    const access = { token, cloud: cloudNamed(cloud) }
    if (call.calendarId) await this.#ownCalendars.refuseOthers(access, providerUserId, call.calendarId)
    const answer = await this.graph.pass(access, call)
    if (answer.status !== 401) return answer
    discard(answer)
    throw microsoftError('provider.token_rejected')
  }

  /** By what every permission of ours lets it see. */
  async tryToken(token: string, { cloud, providerUserId }: ConnectedAccount): Promise<void> {
    await this.graph.calendar({ token, cloud: cloudNamed(cloud) }, providerUserId)
  }
}
