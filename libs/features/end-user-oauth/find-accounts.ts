import { Injectable } from '@nestjs/common'
import type { CallerUser } from '#domain/clients/verify-user-token.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { Database } from '#platform/database/database.js'

/** An account that its owner has connected, and how it fares. Nothing that could be used to act for it. */
export interface FoundAccount {
  id: string
  client_id: string
  user_id: string
  provider: ProviderName
  email: string
  display_name: string | null
  profile_id: string
  refresh_token_updated_at: Date
  access_token_updated_at: Date
  last_checked_at: Date
  /** Our error key; null when all was well. */
  last_checked_error: string | null
  /** Only its owner can mend it, by signing in again. */
  requires_authentication_since: Date | null
  created_at: Date
}

/** More than one person connects; the newest are shown. */
const MOST_SHOWN = 200

/** What one user of a client has connected, in whatever dialect; newest first. */
@Injectable()
export class FindAccounts {
  constructor(private readonly database: Database) {}

  find({ clientId, userId }: CallerUser): Promise<FoundAccount[]> {
    return this.database.read((em) =>
      em.execute<FoundAccount[]>(
        `select a.id, a.client_id, a.user_id, a.provider, a.email, a.display_name, a.profile_id, a.created_at,
           c.refresh_token_updated_at, c.access_token_updated_at, c.last_checked_at, c.last_checked_error,
           c.requires_authentication_since
         from accounts a join user_credentials c on c.id = a.id and c.disconnected_at is null
         where a.client_id = ? and a.user_id = ?
         order by a.created_at desc, a.id desc limit ?`,
        [clientId, userId, MOST_SHOWN],
      ),
    )
  }
}
