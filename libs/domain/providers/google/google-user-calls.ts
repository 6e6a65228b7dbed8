import { discard } from '../passed-answer.js'
import type { MailboxAnswer, MailboxCall } from '../provider.port.js'
import type { ConnectedAccount, UserCalls } from '../user-access.js'
import type { GoogleApi } from './google-api.js'
import { googleError } from './google-errors.js'
import type { GoogleHttp } from './google-http.js'

/** A person's token is issued to the person and not to an address, so whose calendars it opens needs no proof. */
export class GoogleUserCalls implements UserCalls {
  constructor(
    private readonly http: GoogleHttp,
    private readonly api: GoogleApi,
  ) {}

  async callWith(token: string, _account: ConnectedAccount, call: MailboxCall): Promise<MailboxAnswer> {
    const answer = await this.http.pass('www.googleapis.com', call, token)
    if (answer.status !== 401) return answer
    discard(answer)
    throw googleError('provider.token_rejected')
  }

  async tryToken(token: string): Promise<void> {
    await this.api.identity(token)
  }
}
