import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { type GivenKeys, UserTokenKeys } from '#domain/clients/user-token-keys.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { ShowClient, type ShownClient } from './show-client.js'

/** The key pairs with which a client signs user tokens: their public halves, where it publishes them, or none any more. */
@Injectable()
export class SetUserTokenKeys {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly keys: UserTokenKeys,
    private readonly showClient: ShowClient,
    private readonly log: Log,
  ) {}

  /** In place of what was there. @throws ApiError not_found; ValidationError on `jwks` or `jwks_uri` */
  async set(id: string, given: GivenKeys): Promise<ShownClient> {
    await this.database.inTransaction(async (tx) => {
      await this.keys.setKeys(tx, id, given)
      const details = { kind: given === null ? 'none' : 'jwks' in given ? 'jwks' : 'jwks_uri' }
      await recordAct(tx, { clientId: id, at: this.clock.now(), act: 'client.jwks_set', subject: id, details })
    })
    this.log.info('client.jwks_set', { client: id })
    return this.showClient.show(id)
  }
}
