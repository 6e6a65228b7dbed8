import { createHash } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import type { Clock } from '#platform/clock/clock.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import type {
  AdministratorProvider,
  CheckStep,
  OrganisationClaim,
  ReturnedRefusal,
  SignedInAdministrator,
  SignInAttempt,
  SignInRegistration,
  VerifiedOrganisation,
} from '../administrator.port.js'
import { CheckMicrosoftOrganisation } from './check-microsoft-organisation.js'
import { classifyMicrosoftAnswer, classifyMicrosoftReturn } from './classify-microsoft-failure.js'
import type { Graph } from './graph.js'
import { GRAPH_APP_SCOPE, type MicrosoftCloud } from './microsoft-cloud.js'
import { microsoftError } from './microsoft-errors.js'
import { isGuid, type MicrosoftLogin } from './microsoft-login.js'
import type { MicrosoftOrganisation } from './microsoft-organisation.js'
import type { MicrosoftTokens } from './microsoft-token.js'

/**
 * Who can grant application permissions of Graph, by role template id (the same in every tenant). Application
 * Administrator and Cloud Application Administrator may consent to much, but not to these.
 */
const ROLES_THAT_CAN_CONSENT = new Map([
  ['62e90394-69f5-4237-9190-012177145e10', 'Global Administrator'],
  ['e8611ab8-c189-46e8-94e1-60213ab1f814', 'Privileged Role Administrator'],
])

/** Roles come from the claim `wids` where the registration emits it; else from Graph, which needs the last of these. */
const SIGN_IN_SCOPE = 'openid profile email User.Read RoleManagement.Read.Directory'
const SKEW_SECONDS = 300

interface IdClaims {
  tid: string
  oid: string
  nonce?: string
  email?: string
  preferred_username?: string
  name?: string
  wids?: string[]
}

export class MicrosoftAdministrator implements AdministratorProvider {
  readonly name = 'microsoft'

  constructor(
    private readonly login: MicrosoftLogin,
    private readonly tokens: MicrosoftTokens,
    private readonly graph: Graph,
    private readonly organisations: MicrosoftOrganisation,
    private readonly clock: Clock,
    private readonly cloud: MicrosoftCloud,
  ) {}

  get browserOrigin(): string {
    return this.cloud.login
  }

  signInUrl({ clientId }: SignInRegistration, attempt: SignInAttempt): URL {
    const url = new URL('/organizations/oauth2/v2.0/authorize', this.cloud.login)
    url.search = new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      response_mode: 'query',
      redirect_uri: attempt.redirectUri,
      scope: SIGN_IN_SCOPE,
      state: attempt.state,
      nonce: attempt.nonce,
      prompt: 'select_account',
      code_challenge: createHash('sha256').update(attempt.codeVerifier.reveal()).digest('base64url'),
      code_challenge_method: 'S256',
    }).toString()
    return url
  }

  /** By plain HTTP: MSAL would take an id_token with any signature, and keeps tokens that we do not want. */
  async finishSignIn(
    { clientId, clientSecret }: SignInRegistration,
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
      scope: SIGN_IN_SCOPE,
    })
    const answer = await this.login.redeemCode(form)
    const { id_token, access_token } = (answer.json ?? {}) as { id_token?: string; access_token?: string }
    if (answer.status !== 200 || !id_token || !access_token) throw classifyMicrosoftAnswer(answer, this.clock.now())
    const claims = await this.#verified(id_token, clientId, attempt.nonce)
    const email = claims.preferred_username ?? claims.email
    if (!email) throw microsoftError('microsoft.sign_in_unproven', { detail: 'no address in the id_token' })
    return {
      providerUserId: claims.oid,
      email,
      displayName: claims.name ?? null,
      organisation: claims.tid,
      isAdministrator: await this.#isAdministrator(claims, access_token),
    }
  }

  /** OpenID Connect Core section 3.1.3.7, with the keys and the issuer of the tenant that the token itself names. */
  async #verified(idToken: string, clientId: string, nonce: string): Promise<IdClaims> {
    try {
      const { tid } = decodeJwt<IdClaims>(idToken)
      if (!isGuid(tid)) throw new Error('tid')
      const { issuer, jwksUri } = await this.login.discover(tid)
      const keys = await this.login.call(jwksUri)
      if (keys.status !== 200) throw classifyMicrosoftAnswer(keys, this.clock.now())
      const { payload } = await jwtVerify<IdClaims>(idToken, createLocalJWKSet(keys.json as JSONWebKeySet), {
        issuer,
        audience: clientId,
        algorithms: ['RS256'],
        requiredClaims: ['exp', 'iat', 'oid', 'nonce'],
        clockTolerance: SKEW_SECONDS,
        currentDate: this.clock.now(),
      })
      if (payload.tid === tid && payload.nonce === nonce) return payload
    } catch (error) {
      // jose's errors hold the claims, so none is kept.
      if (error instanceof ProviderError) throw error
    }
    throw microsoftError('microsoft.sign_in_unproven')
  }

  async #isAdministrator({ wids }: IdClaims, accessToken: string): Promise<boolean> {
    const roles = wids ?? (await this.graph.myRoles(accessToken))
    return roles.some((role) => ROLES_THAT_CAN_CONSENT.has(role))
  }

  adminConsentUrl({ clientId }: SignInRegistration, tenantId: string, redirectUri: string, state: string): URL {
    const url = new URL(`/${encodeURIComponent(tenantId)}/v2.0/adminconsent`, this.cloud.login)
    url.search = new URLSearchParams({
      client_id: clientId,
      scope: GRAPH_APP_SCOPE,
      redirect_uri: redirectUri,
      state,
    }).toString()
    return url
  }

  refusalOf({ error, description }: ReturnedRefusal): ProviderError {
    return classifyMicrosoftReturn(error, description)
  }

  checkOrganisation(claim: OrganisationClaim): AsyncGenerator<CheckStep, VerifiedOrganisation | null> {
    return new CheckMicrosoftOrganisation(this.login, this.tokens, this.graph, this.organisations, claim).run()
  }
}
