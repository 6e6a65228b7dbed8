import { createHash } from 'node:crypto'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import type { Clock } from '#platform/clock/clock.js'
import type { OAuthClient, SignInAttempt } from '../administrator.port.js'
import { googleError } from './google-errors.js'
import type { GoogleHttp } from './google-http.js'

/** Google's tokens name their issuer either way. */
const ISSUERS = ['https://accounts.google.com', 'accounts.google.com']
const SKEW_SECONDS = 300

/** Who somebody is, and no more. */
export const IDENTITY_SCOPES = ['openid', 'email', 'profile']

export interface GoogleTokenAnswer {
  access_token?: string
  expires_in?: number
  refresh_token?: string
  scope?: string
  id_token?: string
}

/** Of an id_token that was verified. */
export interface GoogleIdentity {
  providerUserId: string
  email: string
  displayName: string | null
  /** The organisation's domain; null for a consumer account. */
  organisation: string | null
}

interface IdClaims {
  sub: string
  email?: string
  email_verified?: boolean
  nonce?: string
  name?: string
  hd?: string
}

/** The code flow at Google, whoever goes through it: an administrator, or a person who connects an account. */
export class GoogleSignIn {
  readonly browserOrigin: string

  constructor(
    private readonly http: GoogleHttp,
    private readonly clock: Clock,
    sandboxUrl: URL | null,
  ) {
    this.browserOrigin = sandboxUrl?.origin ?? 'https://accounts.google.com'
  }

  /** RFC 6749 section 4.1.1, RFC 7636 section 4.3. @param more parameters that Google adds to those */
  url({ clientId }: OAuthClient, attempt: SignInAttempt, scopes: readonly string[], more: Record<string, string>): URL {
    const url = new URL('/o/oauth2/v2/auth', this.browserOrigin)
    url.search = new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: attempt.redirectUri,
      scope: scopes.join(' '),
      ...more,
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: createHash('sha256').update(attempt.codeVerifier.reveal()).digest('base64url'),
      code_challenge_method: 'S256',
    }).toString()
    return url
  }

  /** RFC 6749 section 4.1.3. @throws ProviderError */
  async exchange(client: OAuthClient, attempt: SignInAttempt, code: string) {
    const answer = await this.#askForTokens(client, {
      code,
      redirect_uri: attempt.redirectUri,
      code_verifier: attempt.codeVerifier.reveal(),
    })
    return { answer, identity: await this.#identityIn(answer, client, attempt.nonce) }
  }

  /** A code that came by no redirect: Google wants the field, and it empty. @throws ProviderError */
  async exchangeServerAuthCode(client: OAuthClient, code: string) {
    const answer = await this.#askForTokens(client, { code, redirect_uri: '' })
    return { answer, identity: await this.#identityIn(answer, client, null) }
  }

  #askForTokens({ clientId, clientSecret }: OAuthClient, grant: Record<string, string>): Promise<GoogleTokenAnswer> {
    const form = new URLSearchParams({
      client_id: clientId,
      client_secret: clientSecret.reveal(),
      grant_type: 'authorization_code',
      ...grant,
    })
    return this.http.post<GoogleTokenAnswer>('code', 'oauth2.googleapis.com', '/token', form)
  }

  /**
   * OpenID Connect Core section 3.1.3.7. jose's complaints hold the claims, so none is kept.
   * @param nonce null where there was no authorization request of ours to hold one
   */
  async #identityIn(
    { id_token = '' }: GoogleTokenAnswer,
    { clientId }: OAuthClient,
    nonce: string | null,
  ): Promise<GoogleIdentity> {
    const claims = await this.#verified(id_token, clientId)
    if ((nonce !== null && claims.nonce !== nonce) || !claims.email || !claims.email_verified)
      throw googleError('google.sign_in_unproven', { detail: 'nonce or address of the id_token' })
    return {
      providerUserId: claims.sub,
      email: claims.email,
      displayName: claims.name ?? null,
      organisation: claims.hd ?? null,
    }
  }

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
}
