import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { UserTokenKeys } from '#domain/clients/user-token-keys.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'

/** For a secret in wrong hands, with which anybody could speak for every user of the client; or for a client that has keys now. */
@Injectable()
export class EndUserTokenSecrets {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly keys: UserTokenKeys,
    private readonly log: Log,
  ) {}

  /** A second time changes nothing. @returns how many were live @throws ApiError not_found */
  async end(id: string): Promise<number> {
    const ended = await this.database.inTransaction(async (tx) => {
      const ended = await this.keys.endSecrets(tx, id)
      const act = { clientId: id, at: this.clock.now(), act: 'client.user_secrets_ended', subject: id } as const
      if (ended > 0) await recordAct(tx, act)
      return ended
    })
    this.log.info('client.user_secrets_ended', { client: id, ended })
    return ended
  }
}
