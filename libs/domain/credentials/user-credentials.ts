import { setTimeout as pause } from 'node:timers/promises'
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common'
import { after, Clock } from '#platform/clock/clock.js'
import type { ProviderSettings } from '#platform/config/settings.js'
import { PROVIDER_SETTINGS } from '#platform/config/tokens.js'
import { Database, type Tx } from '#platform/database/database.js'
import type { Statement } from '#platform/database/statement.js'
import { unavailable } from '#platform/errors/api-error.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import { newId, RandomSource } from '#platform/secrets/random.js'
import { Sealer } from '#platform/secrets/sealer.js'
import type { Secret } from '#platform/secrets/secret.js'
import { IS_BEING_TAKEN_BACK } from './disconnected-credential-statements.js'
import { type OperatorCredentialWithSecret, ProviderCredentials } from './provider-credentials.js'
import { refreshTokenPlace, UserCredential } from './user-credential.entity.js'
import {
  CHECKED_EVERY,
  CLAIM_CHECKS,
  CLAIM_REFRESH,
  type ClaimedUserCredential,
  claimLife,
  IS_CONNECTED,
  STORE_ENDED,
  STORE_FAILED,
  STORE_REFRESHED,
} from './user-credential-statements.js'

const FIRST_LOOK_MS = 50
const LONGEST_LOOK_MS = 1_000
/** A new refresh token is in our hands alone: while the database is away, it is tried again after so long each. */
const STORED_AGAIN_AFTER_MS = [200, 500, 1_000, 2_000, 4_000, 8_000]

/** What a sign-in has brought, for an account that is there. */
export interface SignedInUser {
  accountId: string
  clientId: string
  provider: 'google' | 'microsoft'
  providerUserId: string
  organisationId: string | null
  cloud?: UserCredential['cloud']
  /** Client id at the provider of the registration that was signed in to. */
  registrationId: string
  /** Null where the provider gave none: then the one from before goes on. */
  refreshToken: Secret<string> | null
  grantedScopes: readonly string[]
}

/** An account with what it takes to act for it: what `UserAccess` of domain/providers asks for. */
export interface UserConnection {
  accountId: string
  clientId: string
  provider: 'google' | 'microsoft'
  providerUserId: string
  organisationId: string | null
  cloud: UserCredential['cloud']
  registrationId: string
  grantedScopes: readonly string[]
  /** Changes with each sign-in. */
  version: string
  requiresAuthentication: boolean
  /** What the operator has set up by now; null: nothing any more. */
  setup(): Promise<OperatorCredentialWithSecret | null>
  /** `UserCredentials.refresh` of this account. */
  refresh<T extends Refreshed>(
    ask: (refreshToken: Secret<string>) => Promise<T>,
    hasEnded: (error: unknown) => boolean,
  ): Promise<T | null>
}

/** What became of what a sign-in has brought. */
export type Keeping =
  | 'kept'
  /** The provider gave none, and there is none that is still good. */
  | 'no refresh token'
  /** An account on the same consent is being disconnected at this moment, and what was brought may end with it. */
  | 'being taken back'

export interface Refreshed {
  /** The one that replaces the one used; null where that one stays. */
  refreshToken: Secret<string> | null
}

/** The refresh tokens of accounts that their owners have connected, and who may use one at a time. ADR 0018. */
@Injectable()
export class UserCredentials implements BeforeApplicationShutdown {
  readonly #claimMs: number
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly sealer: Sealer,
    private readonly operatorCredentials: ProviderCredentials,
    private readonly log: Log,
    @Inject(PROVIDER_SETTINGS) { timeoutMs }: Pick<ProviderSettings, 'timeoutMs'>,
  ) {
    this.#claimMs = claimLife(timeoutMs)
  }

  /**
   * Keeps what a sign-in brought, in place of whatever there was; so it also mends what required it. The refresh token from
   * before is not taken back at the provider: at Google that would end the new one as well.
   */
  async keep(tx: Tx, signedIn: SignedInUser): Promise<Keeping> {
    const now = this.clock.now()
    const { accountId: id, clientId, registrationId, refreshToken } = signedIn
    if (!refreshToken) {
      const live = { id, clientId, registrationId, disconnectedAt: null, requiresAuthenticationSince: null }
      const changed = await tx.nativeUpdate(UserCredential, live, { accessTokenUpdatedAt: now })
      return changed > 0 ? 'kept' : 'no refresh token'
    }
    const { provider, providerUserId, organisationId, cloud, grantedScopes } = signedIn
    const consent = [registrationId, providerUserId, provider, this.#claimMs]
    if ((await tx.execute<object[]>(IS_BEING_TAKEN_BACK, consent)).length > 0) return 'being taken back'
    await tx.upsert(
      UserCredential,
      {
        id,
        clientId,
        provider,
        providerUserId,
        organisationId,
        cloud: cloud ?? null,
        registrationId,
        sealedRefreshToken: await this.sealer.seal(refreshToken, refreshTokenPlace({ id, clientId })),
        grantedScopes: [...grantedScopes],
        version: newId(this.random, 'ver'),
        rotation: 0,
        claimFence: '0',
        claimedUntil: null,
        refreshTokenUpdatedAt: now,
        accessTokenUpdatedAt: now,
        lastCheckedAt: now,
        lastCheckedError: null,
        requiresAuthenticationSince: null,
        checkAt: after(now, CHECKED_EVERY),
        disconnectedAt: null,
      },
      { onConflictFields: ['id'], onConflictExcludeFields: ['claimFence', 'clientId'] },
    )
    return 'kept'
  }

  /** Null when the account is not connected. */
  async findConnection(accountId: string): Promise<UserConnection | null> {
    const row = await this.database.read((em) => em.findOne(UserCredential, { id: accountId, disconnectedAt: null }))
    if (!row) return null
    const { id, clientId, provider, providerUserId, registrationId, grantedScopes, version } = row
    return {
      accountId,
      clientId,
      provider,
      providerUserId,
      organisationId: row.organisationId ?? null,
      cloud: row.cloud ?? null,
      registrationId,
      grantedScopes,
      version,
      requiresAuthentication: Boolean(row.requiresAuthenticationSince),
      setup: () => this.#setupOf(row),
      refresh: (ask, hasEnded) => this.refresh(id, ask, hasEnded),
    }
  }

  /**
   * Lets `ask` use the refresh token while nobody else does, in whatever process, and keeps what it brings before anybody
   * gets it. One that dies meanwhile holds up others until its claim has ended; a token that it had stored is used next.
   * @param hasEnded whether a failure means that this grant is over: then its owner has to sign in again
   * @returns null when the account is not connected (any more)
   * @throws whatever `ask` throws; ApiError 503 while another process goes on refreshing
   */
  refresh<T extends Refreshed>(
    accountId: string,
    ask: (refreshToken: Secret<string>) => Promise<T>,
    hasEnded: (error: unknown) => boolean,
  ): Promise<T | null> {
    const refreshing = this.#refresh(accountId, ask, hasEnded).finally(() => this.#underWay.delete(refreshing))
    this.#underWay.add(refreshing)
    return refreshing
  }

  /** What a provider has just given may be nowhere but here. */
  async beforeApplicationShutdown() {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
  }

  async #refresh<T extends Refreshed>(
    accountId: string,
    ask: (refreshToken: Secret<string>) => Promise<T>,
    hasEnded: (error: unknown) => boolean,
  ): Promise<T | null> {
    const claimed = await this.#claim(accountId)
    if (!claimed) return null
    const refreshToken = await this.sealer.open(claimed.sealedRefreshToken, refreshTokenPlace(claimed))
    let tokens: T
    try {
      tokens = await ask(refreshToken)
    } catch (error) {
      const outdated = await this.#noteFailure(claimed, error, hasEnded(error))
      if (outdated) return this.#refresh(accountId, ask, hasEnded)
      throw error
    }
    failPoint('user-credential.refreshed')
    await this.#store(claimed, tokens)
    failPoint('user-credential.stored')
    return tokens
  }

  async #claim(id: string): Promise<ClaimedUserCredential | null> {
    const givesUpAt = performance.now() + this.#claimMs + 2 * LONGEST_LOOK_MS
    for (let look = FIRST_LOOK_MS; performance.now() < givesUpAt; look = Math.min(look * 1.5, LONGEST_LOOK_MS)) {
      const [claimed] = await this.database.run(CLAIM_REFRESH, [id, this.#claimMs])
      if (claimed) return claimed
      if ((await this.database.run(IS_CONNECTED, [id])).length === 0) return null
      await pause(look * (1 + this.random.integer(250) / 1000))
    }
    throw unavailable('This account is being refreshed elsewhere. Try again in a moment.', 1)
  }

  /** Until this has been done the new refresh token is nowhere but here. */
  async #store(claimed: ClaimedUserCredential, { refreshToken }: Refreshed): Promise<void> {
    const store = async () => {
      const sealed = refreshToken && (await this.sealer.seal(refreshToken, refreshTokenPlace(claimed)))
      await this.#note(STORE_REFRESHED, claimed, sealed)
    }
    for (const waitMs of STORED_AGAIN_AFTER_MS) {
      try {
        return await store()
      } catch (error) {
        this.log.failure('user_credential.not_stored', error)
        await pause(waitMs)
      }
    }
    await store()
  }

  /** @returns true where it was said of a token that has been replaced meanwhile: then it means nothing */
  async #noteFailure(claimed: ClaimedUserCredential, error: unknown, ended: boolean): Promise<boolean> {
    const key = error instanceof ProviderError ? error.code : 'internal_error'
    try {
      const noted = await this.#note(ended ? STORE_ENDED : STORE_FAILED, claimed, key)
      if (ended && noted)
        this.log.info('user_credential.ended', { account: claimed.id, client: claimed.clientId, code: key })
      return ended && !noted
    } catch (notNoted) {
      // What `ask` said counts; the claim ends by itself.
      this.log.failure('user_credential.not_noted', notNoted)
      return false
    }
  }

  /** @returns whether the token that was used is still the one that is kept */
  async #note(statement: Statement<object>, claimed: ClaimedUserCredential, value: string | null): Promise<boolean> {
    const { id, version, rotation, fence } = claimed
    const values = [id, version, rotation, fence, value, this.clock.now()]
    return (await this.database.run(statement, values)).length > 0
  }

  /**
   * Accounts that are to be checked, for `UserAccess.check`: those that nobody has used for six hours, after a quarter of an hour
   * those whose provider was down, and each day for a week those that have ended. Nobody else is given them within ten minutes.
   */
  async claimChecks(limit: number): Promise<string[]> {
    return (await this.database.run(CLAIM_CHECKS, [this.clock.now(), limit])).map(({ id }) => id)
  }

  #setupOf({ provider, clientId }: { provider: string; clientId: string }) {
    return this.database.read((em) => this.operatorCredentials.findWithSecret(em, provider, clientId))
  }
}
