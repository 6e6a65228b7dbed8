import type { ProviderRead, ProviderReadAnswer } from '../provider.port.js'
import type { ConnectedAccount, UserReads } from '../user-access.js'
import type { GoogleApi } from './google-api.js'
import { googleError } from './google-errors.js'
import type { GoogleHttp } from './google-http.js'

/** A person's token is issued to the person and not to an address, so whose calendars it opens needs no proof. */
export class GoogleUserReads implements UserReads {
  constructor(
    private readonly http: GoogleHttp,
    private readonly api: GoogleApi,
  ) {}

  async readWith(token: string, _account: ConnectedAccount, read: ProviderRead): Promise<ProviderReadAnswer> {
    const answer = await this.http.read('www.googleapis.com', read, token)
    if (answer.status !== 401) return answer
    await answer.discard()
    throw googleError('provider.token_rejected')
  }

  async tryToken(token: string): Promise<void> {
    await this.api.identity(token)
  }
}
