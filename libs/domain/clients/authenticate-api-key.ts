import { Injectable } from '@nestjs/common'
import { after, Clock, minutes } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { hashOf } from '#platform/secrets/random.js'

/** Who calls, and what they may call. */
export interface CallerKey {
  id: string
  clientId: string
  scopes: readonly string[]
}

/** So often a use is written down: enough to see which keys are forgotten, and no write for every call. */
const NOTED_EVERY = minutes(1)

const FIND = defineStatement<{ id: string; client_id: string; scope: string[]; last_used_at: Date | null }>(
  'find live api key',
  `select k.id, k.client_id, k.scope, k.last_used_at from api_keys k join clients c on c.id = k.client_id
    where k.key_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2) and c.disabled_at is null`,
)

const NOTE = defineStatement(
  'note use of api key',
  'update api_keys set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at <= $3)',
)

@Injectable()
export class AuthenticateApiKey {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Null for an unknown, revoked or expired key and for one of a disabled client: nobody outside can tell which. */
  async authenticate(key: string): Promise<CallerKey | null> {
    const now = this.clock.now()
    const [found] = await this.database.run(FIND, [hashOf(key), now])
    if (!found) return null
    const due = after(now, -NOTED_EVERY)
    if (!found.last_used_at || found.last_used_at <= due) await this.database.run(NOTE, [found.id, now, due])
    return { id: found.id, clientId: found.client_id, scopes: found.scope }
  }
}
