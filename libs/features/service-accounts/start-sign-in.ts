import { Inject, Injectable } from '@nestjs/common'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { Providers } from '#domain/providers/providers.js'
import { Clock } from '#platform/clock/clock.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { newBearer, RandomSource } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import type { Consent } from './consent.entity.js'
import { Consents, NOTHING_FOUND_OUT } from './consents.js'
import { getOperatorWay, returnUri } from './operator-way.js'
import { newReturnState } from './provider-return-state.js'
import { ConsentStop } from './service-accounts.errors.js'

/** Step 2 with the operator's credential: the administrator leaves for the provider, to prove which organisation is theirs. */
@Injectable()
export class StartSignIn {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly consents: Consents,
    private readonly operatorCredentials: ProviderCredentials,
    private readonly providers: Providers,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  /** @returns where to send the browser @throws ConsentStop */
  async start(consent: Consent): Promise<URL> {
    const { provider } = consent
    if (!provider || consent.credentialSource !== 'operator') throw new ConsentStop('outOfDate')
    const { state, awaitedReturn } = newReturnState(consent.id, 'sign-in', {
      random: this.random,
      now: this.clock.now(),
    })
    const [nonce, codeVerifier] = [newBearer(this.random), newBearer(this.random) + newBearer(this.random)]
    return this.database.inTransaction(async (tx) => {
      const { signIn } = await getOperatorWay(tx, this.operatorCredentials, consent)
      const changes = {
        ...NOTHING_FOUND_OUT,
        awaitedReturn,
        sealedSignIn: await this.consents.seal(
          consent,
          'sealed_sign_in',
          new Secret(JSON.stringify({ nonce, codeVerifier })),
        ),
      }
      if (!(await this.consents.move(tx, consent, 'preparing', changes))) throw new ConsentStop('outOfDate')
      const attempt = {
        redirectUri: returnUri(this.http.publicUrl, provider),
        state,
        nonce,
        codeVerifier: new Secret(codeVerifier),
      }
      return this.providers.administrator(provider).signInUrl(signIn, attempt)
    })
  }
}
