import { Inject, Injectable } from '@nestjs/common'
import { after, Clock, days, minutes } from '#platform/clock/clock.js'
import type { ProviderSettings } from '#platform/config/settings.js'
import { PROVIDER_SETTINGS } from '#platform/config/tokens.js'
import { Database, type Tx } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { Sealer } from '#platform/secrets/sealer.js'
import type { Secret } from '#platform/secrets/secret.js'
import {
  CLAIM_TAKING_BACK,
  FIND_TO_TAKE_BACK,
  FORGET,
  IS_CONSENT_SHARED,
  POSTPONE_TAKING_BACK,
} from './disconnected-credential-statements.js'
import { type OperatorCredentialWithSecret, ProviderCredentials } from './provider-credentials.js'
import { refreshTokenPlace, UserCredential } from './user-credential.entity.js'
import { type ClaimedUserCredential, claimLife } from './user-credential-statements.js'

const TAKEN_BACK_AGAIN_AFTER = minutes(5)
const GIVEN_UP_AFTER = days(3)

export type TakenBack = 'taken back' | 'left to another account' | 'later'

/** The refresh tokens of accounts that are disconnected: until they are taken back at the provider, and forgotten. ADR 0018. */
@Injectable()
export class DisconnectedCredentials {
  readonly #claimMs: number

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly sealer: Sealer,
    private readonly operatorCredentials: ProviderCredentials,
    private readonly log: Log,
    @Inject(PROVIDER_SETTINGS) { timeoutMs }: Pick<ProviderSettings, 'timeoutMs'>,
  ) {
    this.#claimMs = claimLife(timeoutMs)
  }

  /** From the commit on nothing acts with it; what is left to do at the provider is `takeBack`. @returns false: it was not connected */
  async disconnect(tx: Tx, accountId: string): Promise<boolean> {
    const connected = { id: accountId, disconnectedAt: null }
    return (await tx.nativeUpdate(UserCredential, connected, { disconnectedAt: this.clock.now(), checkAt: null })) > 0
  }

  /**
   * Takes back at the provider what was disconnected, and forgets it. Where the provider cannot be reached it stays, for
   * `findToTakeBack`, for three days. Whoever signs in again meanwhile has undone the disconnecting, so nothing is taken back.
   * @param revoke asked only where no other account of ours would end as well
   */
  async takeBack(
    accountId: string,
    revoke: (setup: OperatorCredentialWithSecret, refreshToken: Secret<string>) => Promise<void>,
  ): Promise<TakenBack> {
    const [claimed] = await this.database.run(CLAIM_TAKING_BACK, [accountId, this.#claimMs])
    if (!claimed) return 'later'
    const { fence } = claimed
    try {
      const [{ shared } = { shared: true }] = await this.database.run(IS_CONSENT_SHARED, [accountId])
      const setup = shared ? null : await this.#setupOf(claimed)
      if (setup) await revoke(setup, await this.sealer.open(claimed.sealedRefreshToken, refreshTokenPlace(claimed)))
      await this.database.run(FORGET, [accountId, fence])
      return shared ? 'left to another account' : 'taken back'
    } catch (error) {
      this.log.failure('user_credential.not_taken_back', error)
      const givenUpBefore = after(this.clock.now(), -GIVEN_UP_AFTER)
      const values = [accountId, fence, TAKEN_BACK_AGAIN_AFTER, givenUpBefore]
      await this.database.run(POSTPONE_TAKING_BACK, values)
      return 'later'
    }
  }

  #setupOf({ provider, clientId }: ClaimedUserCredential) {
    return this.database.read((em) => this.operatorCredentials.findWithSecret(em, provider, clientId))
  }

  /** Accounts whose taking back is due, those that have been due for longest first. */
  async findToTakeBack(limit: number): Promise<string[]> {
    return (await this.database.run(FIND_TO_TAKE_BACK, [limit])).map(({ id }) => id)
  }
}
