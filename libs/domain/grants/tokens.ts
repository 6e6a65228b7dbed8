import { Injectable } from '@nestjs/common'
import { originValues } from '#domain/audit/record-act.js'
import { after, Clock, days, minutes } from '#platform/clock/clock.js'
import type { Em, LookUp } from '#platform/database/database.js'
import type { Lookup } from '#platform/database/statement.js'
import { hashOf, newBearer, RandomSource } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import type { DescribedAccount, WithDescribedAccount } from './described-account.js'
import { Grant } from './grant.entity.js'
import { AccessToken, RefreshToken } from './token.entity.js'
import { FIND_ACCESS_TOKEN, type FoundAccessToken, type TokenValues } from './token-statements.js'

const SERVICE_ACCOUNT_TOKEN_LIFE = minutes(30)
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
  /** Null: they are a service account's. */
  account: DescribedAccount | null
}

/** A pair that is not stored yet: its values, and how the answer is made of what the statement says. */
export interface NewTokens {
  values: TokenValues
  issuedFor: (grant: Grant, narrowed?: string[] | null) => IssuedTokens
}

/** Access and refresh tokens: 192 random bits, kept as hashes, alive exactly as long as their grant is. */
@Injectable()
export class Tokens {
  constructor(
    private readonly clock: Clock,
    private readonly random: RandomSource,
  ) {}

  /** For the grant of a service account itself, or of an account. */
  make({ account }: WithDescribedAccount): NewTokens {
    const now = this.clock.now()
    const [accessToken, refreshToken] = [new Secret(newBearer(this.random)), new Secret(newBearer(this.random))]
    const life = account ? ACCOUNT_TOKEN_LIFE : SERVICE_ACCOUNT_TOKEN_LIFE
    const hashes = [hashOf(accessToken.reveal()), hashOf(refreshToken.reveal())] as const
    return {
      values: [...hashes, now, after(now, life), ...originValues()],
      issuedFor: (grant, narrowed) => ({
        ...{ accessToken, refreshToken, expiresInSeconds: life / 1000, scope: narrowed ?? grant.scope },
        ...{ grant, account },
      }),
    }
  }

  /** The live grant behind an access token, with that token's scope, if its client may still call; null for everything else. */
  findGrantByAccessToken(lookUp: LookUp, accessToken: string): Promise<Grant | null> {
    return this.findByAccessToken(lookUp, FIND_ACCESS_TOKEN, accessToken)
  }

  /** The same with what is looked up beside it. */
  async findByAccessToken<Found extends FoundAccessToken>(
    lookUp: LookUp,
    lookup: Lookup<Found>,
    accessToken: string,
  ): Promise<Found | null> {
    const [found] = await lookUp(lookup, hashOf(accessToken))
    return found && found.expiresAt > this.clock.now() ? found : null
  }

  /** For revocation: the grant behind a token of either kind, expired or not. */
  async findGrantByAnyToken(em: Em, token: string): Promise<Grant | null> {
    const tokenHash = hashOf(token)
    const found = (await em.findOne(RefreshToken, { tokenHash })) ?? (await em.findOne(AccessToken, { tokenHash }))
    return found && em.findOne(Grant, { id: found.grantId })
  }
}
