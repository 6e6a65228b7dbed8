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
  VerifiedOrganisation,
} from '../administrator.port.js'
import type { MicrosoftCredential } from '../provider.port.js'
import { CheckMicrosoftOrganisation } from './check-microsoft-organisation.js'
import { classifyMicrosoftAnswer, classifyMicrosoftReturn } from './classify-microsoft-failure.js'
import type { Graph, GraphAccess } from './graph.js'
import { CLOUDS, graphAppScope, LOGIN_ORIGINS, type MicrosoftCloud } from './microsoft-cloud.js'
import { microsoftError } from './microsoft-errors.js'
import type { MicrosoftHttp } from './microsoft-http.js'
import { isGuid, type MicrosoftLogin, type Tenant } from './microsoft-login.js'
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
    private readonly http: MicrosoftHttp,
    private readonly clock: Clock,
  ) {}

  get browserOrigins(): string[] {
    return LOGIN_ORIGINS.map((origin) => this.http.browserUrl(new URL(origin)).origin)
  }

  signInUrl({ clientId, cloud }: MicrosoftCredential, attempt: SignInAttempt): URL {
    const url = new URL('/organizations/oauth2/v2.0/authorize', cloudNamed(cloud).login)
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
    return this.http.browserUrl(url)
  }

  async finishSignIn(
    registration: MicrosoftCredential,
    attempt: SignInAttempt,
    code: string,
  ): Promise<SignedInAdministrator> {
    const cloud = cloudNamed(registration.cloud)
    const answer = await this.login.askForTokens(cloud, 'organizations', registration, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: attempt.redirectUri,
      code_verifier: attempt.codeVerifier.reveal(),
      scope: SIGN_IN_SCOPE,
    })
    const { id_token, access_token } = (answer.json ?? {}) as { id_token?: string; access_token?: string }
    if (answer.status !== 200 || !id_token || !access_token) throw classifyMicrosoftAnswer(answer, this.clock.now())
    const { claims, tenant } = await this.#verified(id_token, registration, attempt.nonce)
    const email = claims.preferred_username ?? claims.email
    if (!email) throw microsoftError('microsoft.sign_in_unproven', { detail: 'no address in the id_token' })
    return {
      providerUserId: claims.oid,
      email,
      displayName: claims.name ?? null,
      organisation: tenant.id,
      cloud: tenant.cloud.name,
      isAdministrator: await this.#isAdministrator(claims, { token: access_token, cloud: tenant.cloud }),
    }
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

  async #isAdministrator({ wids }: IdClaims, access: GraphAccess): Promise<boolean> {
    const roles = wids ?? (await this.graph.myRoles(access))
    return roles.some((role) => ROLES_THAT_CAN_CONSENT.has(role))
  }

  adminConsentUrl(
    { clientId }: MicrosoftCredential,
    { organisation, cloud: where }: SignedInAdministrator,
    redirectUri: string,
    state: string,
  ): URL {
    const cloud = cloudNamed(where)
    const url = new URL(`/${encodeURIComponent(organisation ?? 'organizations')}/v2.0/adminconsent`, cloud.login)
    url.search = new URLSearchParams({
      client_id: clientId,
      scope: graphAppScope(cloud),
      redirect_uri: redirectUri,
      state,
    }).toString()
    return this.http.browserUrl(url)
  }

  refusalOf({ error, description }: ReturnedRefusal): ProviderError {
    return classifyMicrosoftReturn(error, description)
  }

  checkOrganisation(claim: OrganisationClaim): AsyncGenerator<CheckStep, VerifiedOrganisation | null> {
    return new CheckMicrosoftOrganisation(this.login, this.tokens, this.graph, this.organisations, claim).run()
  }
}

const cloudNamed = (name: MicrosoftCredential['cloud'] | undefined): MicrosoftCloud => CLOUDS[name ?? 'global']
