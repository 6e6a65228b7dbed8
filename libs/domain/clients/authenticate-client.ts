import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { LookUp } from '#platform/database/database.js'
import { defineLookup } from '#platform/database/statement.js'
import { equalInConstantTime, hashOf } from '#platform/secrets/random.js'
import { isLive } from './clients.js'

export interface AuthenticatedClient {
  id: string
  mayHoldProviderTokens: boolean
}

interface Candidate {
  disabledAt: Date | null
  mayHoldProviderTokens: boolean
  secretHash: string
  expiresAt: Date | null
}

/** Asked at each call of an OAuth endpoint. By client. */
const FIND_CLIENT_SECRETS = defineLookup<Candidate>(
  'find-client-secrets',
  `select s.client_id as asked, c.disabled_at as "disabledAt", c.may_hold_provider_tokens as "mayHoldProviderTokens",
     s.secret_hash as "secretHash", s.expires_at as "expiresAt"
   from client_secrets s join clients c on c.id = s.client_id where s.client_id = any ($1::text[])`,
)

/** Stands in for the secrets of a client that does not exist, so that both refusals take the same way. */
const NOBODY: Candidate[] = [
  {
    disabledAt: new Date(0),
    mayHoldProviderTokens: false,
    secretHash: hashOf('no client has this secret'),
    expiresAt: null,
  },
]

@Injectable()
export class AuthenticateClient {
  constructor(private readonly clock: Clock) {}

  /** The client, or null for an unknown or disabled one and for a wrong secret: nobody outside can tell which. */
  async authenticate(lookUp: LookUp, clientId: string, secret: string): Promise<AuthenticatedClient | null> {
    const secrets = await lookUp(FIND_CLIENT_SECRETS, clientId)
    const presented = hashOf(secret)
    const now = this.clock.now()
    const candidates = secrets.length > 0 ? secrets : NOBODY
    // `filter`, not `some`: every candidate is compared, whichever matches.
    const matches = candidates.filter(
      (candidate) => equalInConstantTime(candidate.secretHash, presented) && isLive(candidate, now),
    )
    const [match] = matches
    if (!match || match.disabledAt) return null
    return { id: clientId, mayHoldProviderTokens: match.mayHoldProviderTokens }
  }
}
