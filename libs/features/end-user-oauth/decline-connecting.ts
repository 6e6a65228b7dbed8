import { Inject, Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { Clock } from '#platform/clock/clock.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { answerToClient } from './answer-to-client.js'
import { ConnectStop, stopFacts } from './connect.errors.js'
import type { SignIn } from './sign-in.entity.js'
import { SignIns } from './sign-ins.js'

/** The person says no on our page. Nothing is kept but that they did. */
@Injectable()
export class DeclineConnecting {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly signIns: SignIns,
    private readonly log: Log,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  /** @returns the address that tells the client @throws ConnectStop used */
  async decline(signIn: SignIn): Promise<string> {
    const { clientId, id: subject } = signIn
    const { error: reason, oauth: error, text } = stopFacts('declined')
    await this.database.inTransaction(async (tx) => {
      if (!(await this.signIns.end(tx, signIn))) throw new ConnectStop('used')
      await recordAct(tx, { clientId, at: this.clock.now(), act: 'account.refused', subject, reason })
    })
    this.log.info('account.not_connected', { client: clientId, id: subject, code: reason })
    return answerToClient(signIn, this.http.publicUrl.origin, { error, error_description: text })
  }
}
