import { Inject, Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { Clock } from '#platform/clock/clock.js'
import type { RefreshTokenSettings } from '#platform/config/settings.js'
import { REFRESH_TOKEN_SETTINGS } from '#platform/config/tokens.js'
import type { Tx } from '#platform/database/database.js'
import { Database } from '#platform/database/database.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { hashOf } from '#platform/secrets/random.js'
import { lockLiveGrant } from './find-live-grant.js'
import type { Grant } from './grant.entity.js'
import { standingOf } from './refresh-token-standing.js'
import { RevokeGrants } from './revoke-grants.js'
import { RefreshToken } from './token.entity.js'
import { type IssuedTokens, Tokens } from './tokens.js'

export interface Refresh {
  refreshToken: string
  clientId: string
  /** The scope of the new access token, where the client asked for less than the grant's. Throws when it is more. */
  narrow?: (grant: Grant) => string[] | null
}

const refused = (detail: string) =>
  new OAuthError('invalid_grant', 'The refresh token is unknown, expired, used or revoked.', { detail })

type Outcome = { kind: 'rotated'; tokens: IssuedTokens } | { kind: 'refused'; detail: string }

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

  /** @throws OAuthError invalid_grant, and whatever `narrow` throws: then the refresh token is as it was */
  async rotate(refresh: Refresh): Promise<IssuedTokens> {
    // The revocation of a replayed family has to be committed before the refusal is thrown.
    const outcome = await this.database.inTransaction((tx) => this.#decide(tx, refresh))
    failPoint('rotate-refresh-token.committed')
    if (outcome.kind === 'rotated') return outcome.tokens
    throw refused(outcome.detail)
  }

  async #decide(tx: Tx, { refreshToken, clientId, narrow }: Refresh): Promise<Outcome> {
    const now = this.clock.now()
    const token = await tx.findOne(RefreshToken, { tokenHash: hashOf(refreshToken) })
    if (!token) return { kind: 'refused', detail: 'no such token' }
    // Locked, so that parallel refreshes see one another's generation.
    const grant = await lockLiveGrant(tx, token.grantId)
    if (grant?.clientId !== clientId) return { kind: 'refused', detail: "the grant is revoked, or another client's" }
    await tx.refresh(token)

    const standing = standingOf(token, grant, now, this.settings)
    if (standing.kind === 'expired') return { kind: 'refused', detail: 'its life is over' }
    if (standing.kind === 'replayed') {
      await this.revoke.revokeOne(tx, grant.id)
      await recordAct(tx, { clientId, at: now, act: 'token.replayed', subject: grant.id })
      return { kind: 'refused', detail: 'replayed after the grace period; the grant is revoked' }
    }
    const scope = narrow?.(grant) ?? null
    token.usedAt ??= now
    if (token.generation === grant.refreshGeneration) grant.refreshGeneration += 1
    await this.tokens.forgetSpent(tx, grant)
    failPoint('rotate-refresh-token.committing')
    return { kind: 'rotated', tokens: await this.tokens.issue(tx, grant, 'token.refreshed', scope) }
  }
}
