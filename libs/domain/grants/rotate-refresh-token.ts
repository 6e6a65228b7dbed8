import { LockMode } from '@mikro-orm/core'
import { Injectable } from '@nestjs/common'
import { after, Clock, seconds } from '#platform/clock/clock.js'
import type { Tx } from '#platform/database/database.js'
import { Database } from '#platform/database/database.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { hashOf } from '#platform/secrets/random.js'
import { Grant } from './grant.entity.js'
import { RevokeGrants } from './revoke-grants.js'
import { RefreshToken } from './token.entity.js'
import { type IssuedTokens, Tokens } from './tokens.js'

/** A client whose answer was lost may use the token before the newest once more within this time. */
export const REFRESH_GRACE = seconds(60)

const refused = (detail: string) =>
  new OAuthError('invalid_grant', 'The refresh token is unknown, used or revoked.', { detail })

type Outcome = { kind: 'rotated'; tokens: IssuedTokens } | { kind: 'replayed' } | { kind: 'unknown' }

/** Exchanges a refresh token for a new pair. The old one ends, after a grace period; use after that ends the grant (RFC 9700 section 4.14). */
@Injectable()
export class RotateRefreshToken {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly tokens: Tokens,
    private readonly revoke: RevokeGrants,
  ) {}

  /** @throws OAuthError invalid_grant */
  async rotate(presented: { refreshToken: string; clientId: string }): Promise<IssuedTokens> {
    // The revocation of a replayed family has to be committed before the refusal is thrown.
    const outcome = await this.database.inTransaction((tx) => this.#decide(tx, presented))
    failPoint('rotate-refresh-token.committed')
    if (outcome.kind === 'rotated') return outcome.tokens
    throw refused(
      outcome.kind === 'replayed' ? 'replayed after the grace period; the grant is revoked' : 'no such token',
    )
  }

  async #decide(tx: Tx, { refreshToken, clientId }: { refreshToken: string; clientId: string }): Promise<Outcome> {
    const now = this.clock.now()
    const token = await tx.findOne(RefreshToken, { tokenHash: hashOf(refreshToken) })
    if (!token) return { kind: 'unknown' }
    // Locked, so that parallel refreshes see one another's generation.
    const grant = await tx.findOne(
      Grant,
      { id: token.grantId, clientId, revokedAt: null },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    )
    if (!grant) return { kind: 'unknown' }
    await tx.refresh(token)

    const age = grant.refreshGeneration - token.generation
    if (age === 0) {
      token.usedAt = now
      grant.refreshGeneration += 1
      failPoint('rotate-refresh-token.committing')
      return { kind: 'rotated', tokens: await this.tokens.issue(tx, grant) }
    }
    // A sibling: parallel refreshes each got one, and this one has not been used. That is no replay.
    if (age === 1) token.usedAt ??= now
    if (age === 1 && token.usedAt && now < after(token.usedAt, REFRESH_GRACE))
      return { kind: 'rotated', tokens: await this.tokens.issue(tx, grant) }
    await this.revoke.revokeOne(tx, grant.id)
    return { kind: 'replayed' }
  }
}
