import { Injectable } from '@nestjs/common'
import { Clients } from '#domain/clients/clients.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'

export type RotatedSecret = Awaited<ReturnType<Clients['rotateSecret']>>

@Injectable()
export class RotateClientSecret {
  constructor(
    private readonly database: Database,
    private readonly clients: Clients,
    private readonly log: Log,
  ) {}

  /** @throws ApiError not_found; conflict while two secrets are live */
  async rotate(id: string): Promise<RotatedSecret> {
    const rotated = await this.database.inTransaction((tx) => this.clients.rotateSecret(tx, id))
    this.log.info('client.secret_rotated', {
      client: id,
      previousExpiresAt: rotated.previousExpiresAt.toISOString(),
    })
    return rotated
  }
}
