import { Inject, Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { after, Clock } from '#platform/clock/clock.js'
import type { RefreshTokenSettings } from '#platform/config/settings.js'
import { REFRESH_TOKEN_SETTINGS } from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { hashOf } from '#platform/secrets/random.js'
import type { Grant } from './grant.entity.js'
import { standingOf } from './refresh-token-standing.js'
import { RevokeGrants } from './revoke-grants.js'
import { FIND_REFRESH_TOKEN, type FoundRefreshToken, ROTATE_REFRESH_TOKEN } from './token-statements.js'
import { type IssuedTokens, REPLAY_MEMORY, Tokens } from './tokens.js'

export interface Refresh {
  refreshToken: string
  /** Whose it has to be; looked for while that is being found out. */
  client: Promise<{ id: string }>
  /** The scope of the new access token, where the client asked for less than the grant's. Throws when it is more. */
  narrow?: (grant: Grant) => string[] | null
}

const refused = (detail: string) =>
  new OAuthError('invalid_grant', 'The refresh token is unknown, expired, used or revoked.', { detail })

/** Whoever comes again and again to a grant that others are refreshing gives up. */
const LOOKS = 10

/** Exchanges a refresh token for a new pair. The old one ends, after a grace period; use after that ends the grant. */
@Injectable()
export class RotateRefreshToken {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly tokens: Tokens,
    private readonly revoke: RevokeGrants,
    @Inject(REFRESH_TOKEN_SETTINGS) private readonly settings: RefreshTokenSettings,
  ) {}

  /** @throws OAuthError invalid_grant, and whatever `narrow` and `client` throw: then the refresh token is as it was */
  async rotate({ refreshToken, client, narrow }: Refresh): Promise<IssuedTokens> {
    const tokenHash = hashOf(refreshToken)
    for (let look = 1; look <= LOOKS; look++) {
      const [[found], { id: clientId }] = await Promise.all([
        this.database.lookUp(FIND_REFRESH_TOKEN, tokenHash),
        client,
      ])
      if (found?.clientId !== clientId) throw refused("no such token, or its grant is revoked, or another client's")
      await this.#refuseSpent(found)
      const tokens = await this.#exchange(tokenHash, found, narrow?.(found) ?? null)
      failPoint('rotate-refresh-token.committed')
      if (tokens) return tokens
    }
    throw refused('others are refreshing this grant all the time')
  }

  async #refuseSpent({ generation, issuedAt, usedAt, ...grant }: FoundRefreshToken): Promise<void> {
    const now = this.clock.now()
    const standing = standingOf({ generation, createdAt: issuedAt, usedAt }, grant, now, this.settings)
    if (standing.kind === 'expired') throw refused('its life is over')
    if (standing.kind === 'good') return
    // Committed before the refusal is thrown. What is replayed now is replayed for ever: no lock is needed to see it.
    await this.database.inTransaction(async (tx) => {
      await this.revoke.revokeOne(tx, grant.id)
      await recordAct(tx, { clientId: grant.clientId, at: now, act: 'token.replayed', subject: grant.id })
    })
    throw refused('replayed after the grace period; the grant is revoked')
  }

  /** Null when a parallel refresh has moved the generation meanwhile: what the token is worth has to be asked again. */
  async #exchange(
    tokenHash: string,
    found: FoundRefreshToken,
    narrowed: string[] | null,
  ): Promise<IssuedTokens | null> {
    const { id, generation, refreshGeneration: seen } = found
    const { values, issuedFor } = this.tokens.make(found)
    const grant = await this.database.runTogether(ROTATE_REFRESH_TOKEN, [
      ...([id, ...values] as const),
      ...[tokenHash, seen, generation === seen ? seen + 1 : seen],
      ...[narrowed?.join(' ') ?? null, after(this.clock.now(), -REPLAY_MEMORY)],
    ])
    return grant ? issuedFor(grant, narrowed) : null
  }
}
