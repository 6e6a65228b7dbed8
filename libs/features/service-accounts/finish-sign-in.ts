import { Inject, Injectable } from '@nestjs/common'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import type { SignedInAdministrator, SignInAttempt } from '#domain/providers/administrator.port.js'
import { Providers } from '#domain/providers/providers.js'
import { Clock } from '#platform/clock/clock.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { hashOf, newBearer, RandomSource } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import type { Consent } from './consent.entity.js'
import { Consents } from './consents.js'
import { getOperatorWay, returnUri } from './operator-way.js'
import { newReturnState } from './provider-return-state.js'
import { ConsentStop } from './service-accounts.errors.js'

export interface SignedIn {
  /** A new one: whoever knew the old one does not know this (session fixation). */
  cookie: Secret<string>
  /** Microsoft's second screen; null where the check can begin. */
  next: URL | null
}

/** Step 2, continued: the administrator is back with a code, and we learn who they are from the provider itself. */
@Injectable()
export class FinishSignIn {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly consents: Consents,
    private readonly operatorCredentials: ProviderCredentials,
    private readonly providers: Providers,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  /**
   * @param consent as its return has been claimed: this is the only run with this state
   * @throws ConsentStop; ProviderError when the code is refused or nobody answers
   */
  async finish(consent: Consent, state: string, code: string): Promise<SignedIn> {
    const provider = consent.provider!
    const { signIn } = await this.database.read((em) => getOperatorWay(em, this.operatorCredentials, consent))
    const attempt = await this.#attempt(consent, state)
    const administrator = await this.providers.administrator(provider).finishSignIn(signIn, attempt, code)
    refuseWhoCannotSpeak(consent, administrator)

    const second = newReturnState(consent.id, 'admin-consent', { random: this.random, now: this.clock.now() })
    const next = this.providers
      .administrator(provider)
      .adminConsentUrl(signIn, administrator, attempt.redirectUri, second.state)
    const cookie = new Secret(newBearer(this.random))
    const changes = {
      administrator,
      cookieHash: hashOf(cookie.reveal()),
      sealedSignIn: null,
      awaitedReturn: next ? second.awaitedReturn : null,
    }
    await this.database.inTransaction(async (tx) => {
      if (!(await this.consents.move(tx, consent, next ? 'preparing' : 'checking', changes)))
        throw new ConsentStop('outOfDate')
      await this.consents.recordBegun(tx, consent, `administrator:${administrator.email}`)
    })
    return { cookie, next }
  }

  async #attempt(consent: Consent, state: string): Promise<SignInAttempt> {
    const opened = await this.consents.open(consent, 'sealed_sign_in', consent.sealedSignIn!)
    const { nonce, codeVerifier } = JSON.parse(opened.reveal()) as { nonce: string; codeVerifier: string }
    const redirectUri = returnUri(this.http.publicUrl, consent.provider!)
    return { redirectUri, state, nonce, codeVerifier: new Secret(codeVerifier) }
  }
}

/** Microsoft has said by now whether this is an administrator; Google says it in the directory, in the check. */
function refuseWhoCannotSpeak(
  consent: Consent,
  administrator: SignedInAdministrator,
): asserts administrator is SignedInAdministrator & { organisation: string } {
  if (administrator.organisation === null) throw new ConsentStop('personalAccount')
  const proven = consent.provider === 'google' ? administrator.isAdministrator !== false : administrator.isAdministrator
  if (!proven) throw new ConsentStop('notAdministrator', { shown: administrator.email })
}
