import { createHash } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import type { Clock } from '#platform/clock/clock.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import type { SignInAttempt } from '../administrator.port.js'
import type { MicrosoftCredential } from '../provider.port.js'
import { classifyMicrosoftAnswer, FALLBACK_OF_GRANT } from './classify-microsoft-failure.js'
import { cloudNamed } from './microsoft-cloud.js'
import { microsoftError } from './microsoft-errors.js'
import type { MicrosoftHttp } from './microsoft-http.js'
import { isGuid, type MicrosoftLogin, type Tenant } from './microsoft-login.js'

const SKEW_SECONDS = 300

/** `organizations`: work and school accounts. `common`: those, and consumers. */
export type Audience = 'organizations' | 'common'

export interface MicrosoftTokenAnswer {
  access_token?: string
  expires_in?: number
  refresh_token?: string
  scope?: string
  id_token?: string
}

interface IdClaims {
  tid: string
  oid: string
  nonce?: string
  email?: string
  preferred_username?: string
  name?: string
  wids?: string[]
}

/** Of an id_token that was verified. */
export interface MicrosoftIdentity {
  providerUserId: string
  /** Nobody checks it: good to read, and for nothing else. */
  email: string
  displayName: string | null
  tenant: Tenant
  /** Template ids of administrator roles, where the registration has them put in. */
  wids: string[] | undefined
}

/** The code flow at Microsoft, whoever goes through it: an administrator, or a person who connects an account. */
export class MicrosoftSignIn {
  constructor(
    private readonly login: MicrosoftLogin,
    private readonly http: MicrosoftHttp,
    private readonly clock: Clock,
  ) {}

  /** RFC 6749 section 4.1.1, RFC 7636 section 4.3. @param more parameters that Microsoft adds to those */
  url(
    { clientId, cloud }: MicrosoftCredential,
    attempt: SignInAttempt,
    audience: Audience,
    more: { scope: string } & Record<string, string>,
  ): URL {
    const url = new URL(`/${audience}/oauth2/v2.0/authorize`, cloudNamed(cloud).login)
    url.search = new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      response_mode: 'query',
      redirect_uri: attempt.redirectUri,
      ...more,
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: createHash('sha256').update(attempt.codeVerifier.reveal()).digest('base64url'),
      code_challenge_method: 'S256',
    }).toString()
    return this.http.browserUrl(url)
  }

  /** RFC 6749 section 4.1.3. @throws ProviderError */
  async exchange(
    registration: MicrosoftCredential,
    attempt: SignInAttempt,
    audience: Audience,
    { code, scope }: { code: string; scope?: string },
  ) {
    const answer = await this.askForTokens(registration, audience, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: attempt.redirectUri,
      code_verifier: attempt.codeVerifier.reveal(),
      ...(scope && { scope }),
    })
    const identity = await this.#identityIn(answer.id_token ?? '', registration, attempt.nonce)
    return { answer, identity }
  }

  /** An answer with an access token in it. @throws ProviderError */
  async askForTokens(
    registration: MicrosoftCredential,
    audience: Audience,
    grant: { grant_type: 'authorization_code' | 'refresh_token' } & Record<string, string>,
  ): Promise<MicrosoftTokenAnswer & { access_token: string }> {
    const answer = await this.login.askForTokens(cloudNamed(registration.cloud), audience, registration, grant)
    const tokens = (answer.json ?? {}) as MicrosoftTokenAnswer
    if (answer.status === 200 && tokens.access_token) return { ...tokens, access_token: tokens.access_token }
    throw classifyMicrosoftAnswer(answer, this.clock.now(), FALLBACK_OF_GRANT[grant.grant_type])
  }

  async #identityIn(idToken: string, registration: MicrosoftCredential, nonce: string): Promise<MicrosoftIdentity> {
    const { claims, tenant } = await this.#verified(idToken, registration, nonce)
    const email = claims.preferred_username ?? claims.email
    if (!email) throw microsoftError('microsoft.sign_in_unproven', { detail: 'no address in the id_token' })
    return { providerUserId: claims.oid, email, displayName: claims.name ?? null, tenant, wids: claims.wids }
  }

  /** OpenID Connect Core section 3.1.3.7, with the keys and the issuer of the tenant that the token itself names. */
  async #verified(
    idToken: string,
    { clientId, cloud }: MicrosoftCredential,
    nonce: string,
  ): Promise<{ claims: IdClaims; tenant: Tenant }> {
    try {
      const { tid } = decodeJwt<IdClaims>(idToken)
      if (!isGuid(tid)) throw new Error('tid')
      const tenant = await this.login.discover(tid, [cloudNamed(cloud).login])
      const keys = await this.login.keys(tenant)
      if (keys.status !== 200) throw classifyMicrosoftAnswer(keys, this.clock.now())
      const { payload } = await jwtVerify<IdClaims>(idToken, createLocalJWKSet(keys.json as JSONWebKeySet), {
        issuer: tenant.issuer,
        audience: clientId,
        algorithms: ['RS256'],
        requiredClaims: ['exp', 'iat', 'oid', 'nonce'],
        clockTolerance: SKEW_SECONDS,
        currentDate: this.clock.now(),
      })
      if (payload.tid === tid && payload.nonce === nonce) return { claims: payload, tenant }
    } catch (error) {
      // jose's errors hold the claims, so none is kept.
      if (error instanceof ProviderError) throw error
    }
    throw microsoftError('microsoft.sign_in_unproven')
  }
}
