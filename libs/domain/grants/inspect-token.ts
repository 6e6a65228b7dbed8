import { Inject, Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { RefreshTokenSettings } from '#platform/config/settings.js'
import { REFRESH_TOKEN_SETTINGS } from '#platform/config/tokens.js'
import type { LookUp } from '#platform/database/database.js'
import { hashOf } from '#platform/secrets/random.js'
import type { Grant } from './grant.entity.js'
import { standingOf } from './refresh-token-standing.js'
import {
  FIND_ACCESS_TOKEN,
  FIND_REFRESH_TOKEN,
  type FoundAccessToken,
  type FoundRefreshToken,
} from './token-statements.js'

export interface TokenFacts {
  kind: 'access' | 'refresh'
  grant: Grant
  scope: string[]
  issuedAt: Date
  expiresAt: Date
}

/** What a token is good for, without using it. */
@Injectable()
export class InspectToken {
  constructor(
    private readonly clock: Clock,
    @Inject(REFRESH_TOKEN_SETTINGS) private readonly settings: RefreshTokenSettings,
  ) {}

  /**
   * Null for whatever would be refused if this client used it now, whatever the reason. Looked for while it is being found out
   * who the client is.
   * @throws whatever `client` throws
   */
  async find(lookUp: LookUp, token: string, client: Promise<{ id: string }>): Promise<TokenFacts | null> {
    const tokenHash = hashOf(token)
    const [[access], { id: clientId }] = await Promise.all([lookUp(FIND_ACCESS_TOKEN, tokenHash), client])
    if (access) return access.clientId === clientId ? this.#ofAccessToken(access) : null
    const [refresh] = await lookUp(FIND_REFRESH_TOKEN, tokenHash)
    return refresh?.clientId === clientId ? this.#ofRefreshToken(refresh) : null
  }

  #ofAccessToken({ issuedAt, expiresAt, ...grant }: FoundAccessToken): TokenFacts | null {
    if (expiresAt <= this.clock.now()) return null
    return { kind: 'access', grant, scope: grant.scope, issuedAt, expiresAt }
  }

  #ofRefreshToken({ generation, issuedAt, usedAt, ...grant }: FoundRefreshToken): TokenFacts | null {
    const token = { generation, createdAt: issuedAt, usedAt }
    const standing = standingOf(token, grant, this.clock.now(), this.settings)
    if (standing.kind !== 'good') return null
    return { kind: 'refresh', grant, scope: grant.scope, issuedAt, expiresAt: standing.until }
  }
}
