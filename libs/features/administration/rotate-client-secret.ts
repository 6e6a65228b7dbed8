import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { Clients } from '#domain/clients/clients.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'

export type RotatedSecret = Awaited<ReturnType<Clients['rotateSecret']>>

@Injectable()
export class RotateClientSecret {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly clients: Clients,
    private readonly log: Log,
  ) {}

  /** @throws ApiError not_found; conflict while two secrets are live */
  async rotate(id: string): Promise<RotatedSecret> {
    const rotated = await this.database.inTransaction(async (tx) => {
      const rotated = await this.clients.rotateSecret(tx, id)
      await recordAct(tx, { clientId: id, at: this.clock.now(), act: 'client.secret_rotated', subject: id })
      return rotated
    })
    this.log.info('client.secret_rotated', {
      client: id,
      previousExpiresAt: rotated.previousExpiresAt.toISOString(),
    })
    return rotated
  }
}
