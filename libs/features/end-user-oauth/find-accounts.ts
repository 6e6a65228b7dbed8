import { Injectable } from '@nestjs/common'
import type { CallerUser } from '#domain/clients/verify-user-token.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { NEWEST_ACCOUNTS } from './newest-of-user.js'

/** An account that its owner has connected, and how it fares. Nothing that could be used to act for it. */
export interface FoundAccount {
  id: string
  clientId: string
  userId: string
  provider: ProviderName
  email: string
  displayName: string | null
  profileId: string
  refreshTokenUpdatedAt: Date
  accessTokenUpdatedAt: Date
  lastCheckedAt: Date
  /** Our error key; null when all was well. */
  lastCheckedError: string | null
  /** Only its owner can mend it, by signing in again. */
  requiresAuthentication: boolean
  createdAt: Date
}

const FIND = defineStatement<FoundAccount>(
  'find-accounts-of-user',
  `with ${NEWEST_ACCOUNTS} select * from newest order by "createdAt" desc, id desc`,
)

/** What one user of a client has connected, in whatever dialect; newest first. */
@Injectable()
export class FindAccounts {
  constructor(private readonly database: Database) {}

  find({ clientId, userId }: CallerUser): Promise<FoundAccount[]> {
    return this.database.run(FIND, [clientId, userId])
  }
}
