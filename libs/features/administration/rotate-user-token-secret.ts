import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { UserTokenKeys } from '#domain/clients/user-token-keys.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'

export type RotatedUserTokenSecret = Awaited<ReturnType<UserTokenKeys['rotateSecret']>>

/** The first secret for user tokens, or the next one. */
@Injectable()
export class RotateUserTokenSecret {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly keys: UserTokenKeys,
    private readonly log: Log,
  ) {}

  /** @throws ApiError not_found; conflict while two secrets are live */
  async rotate(id: string): Promise<RotatedUserTokenSecret> {
    const rotated = await this.database.inTransaction(async (tx) => {
      const rotated = await this.keys.rotateSecret(tx, id)
      await recordAct(tx, { clientId: id, at: this.clock.now(), act: 'client.user_secret_rotated', subject: id })
      return rotated
    })
    this.log.info('client.user_secret_rotated', {
      client: id,
      previousExpiresAt: rotated.previousExpiresAt?.toISOString() ?? null,
    })
    return rotated
  }
}
