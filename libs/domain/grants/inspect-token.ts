import { Inject, Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { RefreshTokenSettings } from '#platform/config/settings.js'
import { REFRESH_TOKEN_SETTINGS } from '#platform/config/tokens.js'
import type { Em } from '#platform/database/database.js'
import { hashOf } from '#platform/secrets/random.js'
import { findLiveGrant } from './find-live-grant.js'
import type { Grant } from './grant.entity.js'
import { standingOf } from './refresh-token-standing.js'
import { AccessToken, RefreshToken } from './token.entity.js'

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

  /** Null for whatever would be refused if this client used it now, whatever the reason. */
  async find(em: Em, token: string, clientId: string): Promise<TokenFacts | null> {
    const tokenHash = hashOf(token)
    const found = (await em.findOne(AccessToken, { tokenHash })) ?? (await em.findOne(RefreshToken, { tokenHash }))
    const grant = found && (await findLiveGrant(em, found.grantId))
    if (!grant || grant.clientId !== clientId) return null
    return found instanceof AccessToken ? this.#ofAccessToken(found, grant) : this.#ofRefreshToken(found, grant)
  }

  #ofAccessToken({ scope, createdAt: issuedAt, expiresAt }: AccessToken, grant: Grant): TokenFacts | null {
    if (expiresAt <= this.clock.now()) return null
    return { kind: 'access', grant, scope: scope ?? grant.scope, issuedAt, expiresAt }
  }

  #ofRefreshToken(token: RefreshToken, grant: Grant): TokenFacts | null {
    const standing = standingOf(token, grant, this.clock.now(), this.settings)
    if (standing.kind !== 'good') return null
    return { kind: 'refresh', grant, scope: grant.scope, issuedAt: token.createdAt, expiresAt: standing.until }
  }
}
