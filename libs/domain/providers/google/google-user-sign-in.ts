import { ProviderError } from '#platform/errors/provider-error.js'
import { Secret } from '#platform/secrets/secret.js'
import type { OAuthClient, ReturnedRefusal, SignInAttempt } from '../administrator.port.js'
import type { AskedConsent, ConnectedPerson, PersonTokens, UserSignIn } from '../user-sign-in.port.js'
import { classifyGoogleReturn } from './classify-google-failure.js'
import { googleError } from './google-errors.js'
import type { GoogleHttp } from './google-http.js'
import { type GoogleIdentity, type GoogleSignIn, type GoogleTokenAnswer, IDENTITY_SCOPES } from './google-sign-in.js'

/** As Google spells what it was asked for by their short names. */
const GRANTED_IDENTITY = new Set([
  ...IDENTITY_SCOPES,
  'https://www.googleapis.com/auth/userinfo.email',
  'https://www.googleapis.com/auth/userinfo.profile',
])

export class GoogleUserSignIn implements UserSignIn {
  readonly name = 'google'
  readonly revocation = {
    revoke: (_client: OAuthClient, token: Secret<string>) => this.#revoke(token),
  }
  readonly serverAuthCodes = {
    exchange: async (client: OAuthClient, code: string) => {
      const { answer, identity } = await this.signIn.exchangeServerAuthCode(client, code)
      return connected(identity, answer)
    },
  }

  constructor(
    private readonly signIn: GoogleSignIn,
    private readonly http: GoogleHttp,
  ) {}

  /**
   * Consent is asked for each time: only then does Google surely give a refresh token. What was granted on other occasions is
   * left out, because one registration may serve several clients, and none may get what another was given.
   */
  authorizationUrl(client: OAuthClient, attempt: SignInAttempt, { scopes, loginHint, reauthorise }: AskedConsent): URL {
    return this.signIn.url(client, attempt, [...IDENTITY_SCOPES, ...scopes], {
      access_type: 'offline',
      prompt: reauthorise ? 'consent' : 'select_account consent',
      include_granted_scopes: 'false',
      ...(loginHint && { login_hint: loginHint }),
    })
  }

  async exchange(client: OAuthClient, attempt: SignInAttempt, code: string): Promise<ConnectedPerson> {
    const { answer, identity } = await this.signIn.exchange(client, attempt, code)
    return connected(identity, answer)
  }

  /** Google's access tokens hold all that was granted; its refresh tokens stay, and should one be replaced, that is kept. */
  async refresh(
    { clientId, clientSecret }: OAuthClient,
    refreshToken: Secret<string>,
    scopes: readonly string[],
  ): Promise<PersonTokens> {
    const form = new URLSearchParams({
      client_id: clientId,
      client_secret: clientSecret.reveal(),
      grant_type: 'refresh_token',
      refresh_token: refreshToken.reveal(),
    })
    const answer = await this.http.post<GoogleTokenAnswer>('refresh', 'oauth2.googleapis.com', '/token', form)
    const tokens = tokensIn({ scope: scopes.join(' '), ...answer })
    const same = tokens.refreshToken?.reveal() === refreshToken.reveal()
    return same ? { ...tokens, refreshToken: null } : tokens
  }

  /** RFC 7009 sections 2.1 and 2.2: Google asks no proof of the client, and nothing in the answer counts but its status. */
  async #revoke(token: Secret<string>): Promise<void> {
    const form = new URLSearchParams({ token: token.reveal() })
    try {
      await this.http.tell('revoke', 'oauth2.googleapis.com', '/revoke', form)
    } catch (error) {
      if (!(error instanceof ProviderError) || error.code !== 'grant.revoked') throw error
    }
  }

  refusalOf({ error, description }: ReturnedRefusal): ProviderError {
    const refusal = classifyGoogleReturn(error, description)
    if (refusal.code !== 'google.sign_in_declined') return refusal
    return googleError('google.sign_in_declined', { detail: refusal.detail, fix: 'Start again, and allow the access.' })
  }
}

const connected = (identity: GoogleIdentity, answer: GoogleTokenAnswer): ConnectedPerson => ({
  ...identity,
  tokens: tokensIn(answer),
})

function tokensIn({ access_token, expires_in, refresh_token, scope = '' }: GoogleTokenAnswer): PersonTokens {
  if (!access_token || !(Number(expires_in) > 0))
    throw googleError('provider.unavailable', { detail: 'the token answer held no token' })
  return {
    accessToken: new Secret(access_token),
    lifetimeMs: Number(expires_in) * 1000,
    refreshToken: refresh_token ? new Secret(refresh_token) : null,
    grantedScopes: scope.split(' ').filter((name) => name !== '' && !GRANTED_IDENTITY.has(name)),
  }
}
