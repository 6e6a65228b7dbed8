import { Inject, Injectable } from '@nestjs/common'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { Providers } from '#domain/providers/providers.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import type { Tx } from '#platform/database/database.js'
import { hashOf, newBearer, RandomSource } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { ConnectStop } from './connect.errors.js'
import { providerScopesOf } from './dialects.js'
import { returnUri } from './return-uri.js'
import type { SignIn } from './sign-in.entity.js'
import { SignInRegistrations } from './sign-in-registrations.js'
import { newState, SignIns } from './sign-ins.js'

/** Where the browser goes, and the state that it will come back with. */
export interface Departure {
  url: URL
  state: string
}

/** What this time is different from the last. */
export interface Changed {
  /** The one from the last time, where the client was told it. */
  state?: string
  loginHint?: string | null
  scopesBeside?: string[]
}

/** The browser goes to the provider: for the first time, or once more under a new state, which ends the one before. */
@Injectable()
export class LeaveForProvider {
  constructor(
    private readonly random: RandomSource,
    private readonly signIns: SignIns,
    private readonly registrations: SignInRegistrations,
    private readonly providers: Providers,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  /** @throws ConnectStop notSetUp; used where the sign-in has moved on meanwhile */
  async leave(
    tx: Tx,
    signIn: SignIn,
    provider: ProviderName,
    { state = newState(signIn.id, this.random), ...changed }: Changed = {},
  ): Promise<Departure> {
    const registration = await this.registrations.get(tx, provider, signIn.clientId)
    const [nonce, codeVerifier] = [newBearer(this.random), newBearer(this.random) + newBearer(this.random)]
    const moved = await this.signIns.move(tx, signIn, 'away', {
      ...changed,
      provider,
      stateHash: hashOf(state),
      sealedAttempt: await this.signIns.seal(signIn, { kind: 'away', nonce, codeVerifier }),
    })
    if (!moved) throw new ConnectStop('used')
    const { scope, scopesBeside, loginHint } = signIn
    const attempt = {
      redirectUri: returnUri(this.http.publicUrl, signIn.dialect, provider),
      ...{ state, nonce, codeVerifier: new Secret(codeVerifier) },
    }
    const url = this.providers.userSignIn(provider).authorizationUrl(registration, attempt, {
      scopes: [...new Set([...providerScopesOf(provider, scope), ...scopesBeside])],
      ...(loginHint && { loginHint }),
      reauthorise: scopesBeside.length > 0,
    })
    return { url, state }
  }
}
