import { Injectable } from '@nestjs/common'
import type { CallerUser } from '#domain/clients/verify-user-token.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { type Authorization, authorizationIdOf } from './authorization.js'
import { NEWEST_GRANTS } from './newest-of-user.js'

const FIND = defineStatement<Authorization>(
  'find-authorizations-of-user',
  `with ${NEWEST_GRANTS}
   select id, "userId", provider, scope, email, "createdAt" from live order by "createdAt" desc, id desc`,
)

/** What one user of a client has allowed, in whatever dialect it was asked for; newest first. */
@Injectable()
export class FindAuthorizations {
  constructor(private readonly database: Database) {}

  async find({ clientId, userId }: CallerUser): Promise<Authorization[]> {
    const found = await this.database.run(FIND, [clientId, userId])
    return found.map(({ id, ...shown }) => ({ id: authorizationIdOf(id), ...shown }))
  }
}
