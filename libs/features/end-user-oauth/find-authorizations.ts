import { Injectable } from '@nestjs/common'
import type { CallerUser } from '#domain/clients/verify-user-token.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { type Authorization, authorizationIdOf } from './authorization.js'

interface Row {
  id: string
  user_id: string
  provider: ProviderName
  scope: string[]
  email: string
  created_at: Date
}

/** More than one person allows; the newest are shown. */
const MOST_SHOWN = 200

const FIND = defineStatement<Row>(
  'find authorizations of a user',
  `select g.id, a.user_id, a.provider, g.scope, a.email, g.created_at
    from accounts a join grants g on g.account_id = a.id and g.revoked_at is null
    where a.client_id = $1 and a.user_id = $2 and a.service_account_id is null
    order by g.created_at desc, g.id desc limit ${MOST_SHOWN}`,
)

/** What one user of a client has allowed, in whatever dialect it was asked for; newest first. */
@Injectable()
export class FindAuthorizations {
  constructor(private readonly database: Database) {}

  async find({ clientId, userId }: CallerUser): Promise<Authorization[]> {
    const rows = await this.database.run(FIND, [clientId, userId])
    return rows.map(({ id, user_id: userId, created_at: createdAt, ...shown }) => ({
      ...{ id: authorizationIdOf(id), userId, createdAt },
      ...shown,
    }))
  }
}
