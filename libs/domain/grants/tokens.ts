import { Injectable } from '@nestjs/common'
import { originValues, recordActsOf } from '#domain/audit/record-act.js'
import { after, Clock, days, minutes } from '#platform/clock/clock.js'
import type { Em, Tx } from '#platform/database/database.js'
import { hashOf, newBearer, RandomSource } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { Grant } from './grant.entity.js'
import { AccessToken, RefreshToken } from './token.entity.js'

export const SERVICE_ACCOUNT_TOKEN_LIFE = minutes(30)
export const ACCOUNT_TOKEN_LIFE = minutes(60)

/** For so long a refresh token that is used up is kept, to know it when somebody uses it again. */
export const REPLAY_MEMORY = days(7)

export interface IssuedTokens {
  accessToken: Secret<string>
  refreshToken: Secret<string>
  expiresInSeconds: number
  /** Of the access token: the grant's, or what a refresh narrowed it to. */
  scope: string[]
  grant: Grant
}

/** Together with what is put on record, because every exchange pays for each statement. */
const STORE_REFRESH_TOKEN = `with stored as (
    insert into refresh_tokens (token_hash, grant_id, generation, created_at) values (?, ?, ?, ?)
    returning grant_id, created_at
  )
  ${recordActsOf('stored join grants g on g.id = stored.grant_id left join accounts a on a.id = g.account_id', {
    ...{ client_id: 'g.client_id', at: 'stored.created_at', act: '?', actor: '?', address: '?', request_id: '?' },
    ...{ service_account_id: 'g.service_account_id', mailbox: 'a.email', subject: 'g.id' },
  })}`

/** Access and refresh tokens: 192 random bits, kept as hashes, alive exactly as long as their grant is. */
@Injectable()
export class Tokens {
  constructor(
    private readonly clock: Clock,
    private readonly random: RandomSource,
  ) {}

  /** Both tokens of the grant's current generation. RFC 6749 section 6: a narrower scope is the access token's alone. */
  async issue(
    tx: Tx,
    grant: Grant,
    act: 'code.exchanged' | 'token.refreshed',
    narrowed: string[] | null = null,
  ): Promise<IssuedTokens> {
    const now = this.clock.now()
    const [accessToken, refreshToken] = [new Secret(newBearer(this.random)), new Secret(newBearer(this.random))]
    const life = grant.accountId ? ACCOUNT_TOKEN_LIFE : SERVICE_ACCOUNT_TOKEN_LIFE
    await tx.insert(AccessToken, {
      tokenHash: hashOf(accessToken.reveal()),
      grantId: grant.id,
      scope: narrowed,
      createdAt: now,
      expiresAt: after(now, life),
    })
    await tx.execute(STORE_REFRESH_TOKEN, [
      ...[hashOf(refreshToken.reveal()), grant.id, grant.refreshGeneration, now],
      ...[act, ...originValues()],
    ])
    return { accessToken, refreshToken, expiresInSeconds: life / 1000, scope: narrowed ?? grant.scope, grant }
  }

  /** What opens nothing any more. Done at each refresh, so that a grant keeps few rows however long it is used. */
  async forgetSpent(tx: Tx, { id: grantId, refreshGeneration }: Grant): Promise<void> {
    const now = this.clock.now()
    const longAgo = { $lt: after(now, -REPLAY_MEMORY) }
    await tx.nativeDelete(AccessToken, { grantId, expiresAt: { $lt: now } })
    await tx.nativeDelete(RefreshToken, {
      ...{ grantId, generation: { $lt: refreshGeneration - 1 } },
      $or: [{ usedAt: longAgo }, { usedAt: null, createdAt: longAgo }],
    })
  }

  /** The live grant behind an access token, with that token's scope, if its client may still call; null for everything else. */
  async findGrantByAccessToken(em: Em, accessToken: string): Promise<Grant | null> {
    // One question instead of three: every call of every client asks it.
    const [row] = await em.execute(
      `select g.*, coalesce(t.scope, g.scope) as scope from access_tokens t
       join grants g on g.id = t.grant_id and g.revoked_at is null
       join service_accounts s on s.id = g.service_account_id and s.revoked_at is null
       join clients c on c.id = g.client_id and c.disabled_at is null
       where t.token_hash = ? and t.expires_at > ?`,
      [hashOf(accessToken), this.clock.now()],
    )
    return row ? em.map(Grant, row) : null
  }

  /** For revocation: the grant behind a token of either kind, expired or not. */
  async findGrantByAnyToken(em: Em, token: string): Promise<Grant | null> {
    const tokenHash = hashOf(token)
    const found = (await em.findOne(RefreshToken, { tokenHash })) ?? (await em.findOne(AccessToken, { tokenHash }))
    return found && em.findOne(Grant, { id: found.grantId })
  }
}
