import { createHash } from 'node:crypto'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import type { Clock } from '#platform/clock/clock.js'
import type { ProviderError } from '#platform/errors/provider-error.js'
import type {
  AdministratorProvider,
  CheckStep,
  OAuthClient,
  OrganisationClaim,
  ReturnedRefusal,
  SignedInAdministrator,
  SignInAttempt,
  VerifiedOrganisation,
} from '../administrator.port.js'
import { CheckGoogleOrganisation } from './check-google-organisation.js'
import { classifyGoogleReturn } from './classify-google-failure.js'
import type { GoogleApi } from './google-api.js'
import { googleError } from './google-errors.js'
import type { GoogleHttp } from './google-http.js'
import type { GoogleTokens } from './google-token.js'

/** Google's tokens name their issuer either way. */
const ISSUERS = ['https://accounts.google.com', 'accounts.google.com']
const SKEW_SECONDS = 300

interface IdClaims {
  sub: string
  email?: string
  email_verified?: boolean
  nonce?: string
  name?: string
  /** The organisation's domain; absent for a consumer account. */
  hd?: string
}

export class GoogleAdministrator implements AdministratorProvider {
  readonly name = 'google'
  readonly browserOrigins: string[]

  constructor(
    private readonly http: GoogleHttp,
    private readonly tokens: GoogleTokens,
    private readonly api: GoogleApi,
    private readonly clock: Clock,
    sandboxUrl: URL | null,
  ) {
    this.browserOrigins = [sandboxUrl?.origin ?? 'https://accounts.google.com']
  }

  signInUrl({ clientId }: OAuthClient, attempt: SignInAttempt): URL {
    const url = new URL('/o/oauth2/v2/auth', this.browserOrigins[0])
    url.search = new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: attempt.redirectUri,
      scope: 'openid email profile',
      prompt: 'select_account',
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: createHash('sha256').update(attempt.codeVerifier.reveal()).digest('base64url'),
      code_challenge_method: 'S256',
    }).toString()
    return url
  }

  async finishSignIn(
    { clientId, clientSecret }: OAuthClient,
    attempt: SignInAttempt,
    code: string,
  ): Promise<SignedInAdministrator> {
    const form = new URLSearchParams({
      client_id: clientId,
      client_secret: clientSecret.reveal(),
      grant_type: 'authorization_code',
      code,
      redirect_uri: attempt.redirectUri,
      code_verifier: attempt.codeVerifier.reveal(),
    })
    const answer = await this.http.post<{ id_token?: string }>('code', 'oauth2.googleapis.com', '/token', form)
    const claims = await this.#verified(answer.id_token ?? '', clientId)
    if (claims.nonce !== attempt.nonce || !claims.email || !claims.email_verified)
      throw googleError('google.sign_in_unproven', { detail: 'nonce or address of the id_token' })
    return {
      providerUserId: claims.sub,
      email: claims.email,
      displayName: claims.name ?? null,
      organisation: claims.hd ?? null,
      isAdministrator: null,
    }
  }

  /** OpenID Connect Core section 3.1.3.7. jose's complaints hold the claims, so none is kept. */
  async #verified(idToken: string, audience: string): Promise<IdClaims> {
    const keys = await this.http.call<JSONWebKeySet>('api', 'www.googleapis.com', '/oauth2/v3/certs')
    try {
      const { payload } = await jwtVerify<IdClaims>(idToken, createLocalJWKSet(keys), {
        issuer: ISSUERS,
        audience,
        algorithms: ['RS256'],
        requiredClaims: ['sub', 'exp', 'iat'],
        clockTolerance: SKEW_SECONDS,
        currentDate: this.clock.now(),
      })
      return payload
    } catch {
      throw googleError('google.sign_in_unproven')
    }
  }

  /** Delegation is added in the Admin console: there is nowhere to send a browser to. */
  adminConsentUrl(): null {
    return null
  }

  refusalOf({ error, description }: ReturnedRefusal): ProviderError {
    return classifyGoogleReturn(error, description)
  }

  checkOrganisation(claim: OrganisationClaim): AsyncGenerator<CheckStep, VerifiedOrganisation | null> {
    return new CheckGoogleOrganisation(this.tokens, this.api, claim).run()
  }
}
