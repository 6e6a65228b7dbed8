import type { ProviderError } from '#platform/errors/provider-error.js'
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
import { classifyMicrosoftReturn } from './classify-microsoft-failure.js'
import type { Graph, GraphAccess } from './graph.js'
import { cloudNamed, graphAppScope, LOGIN_ORIGINS } from './microsoft-cloud.js'
import type { MicrosoftHttp } from './microsoft-http.js'
import type { MicrosoftLogin } from './microsoft-login.js'
import type { MicrosoftOrganisation } from './microsoft-organisation.js'
import type { MicrosoftIdentity, MicrosoftSignIn } from './microsoft-sign-in.js'
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

export class MicrosoftAdministrator implements AdministratorProvider {
  readonly name = 'microsoft'

  constructor(
    private readonly signIn: MicrosoftSignIn,
    private readonly login: MicrosoftLogin,
    private readonly tokens: MicrosoftTokens,
    private readonly graph: Graph,
    private readonly organisations: MicrosoftOrganisation,
    private readonly http: MicrosoftHttp,
  ) {}

  get browserOrigins(): string[] {
    return LOGIN_ORIGINS.map((origin) => this.http.browserUrl(new URL(origin)).origin)
  }

  signInUrl(registration: MicrosoftCredential, attempt: SignInAttempt): URL {
    const more = { scope: SIGN_IN_SCOPE, prompt: 'select_account' }
    return this.signIn.url(registration, attempt, 'organizations', more)
  }

  async finishSignIn(
    registration: MicrosoftCredential,
    attempt: SignInAttempt,
    code: string,
  ): Promise<SignedInAdministrator> {
    const { answer, identity } = await this.signIn.exchange(registration, attempt, 'organizations', {
      code,
      scope: SIGN_IN_SCOPE,
    })
    const { email, tenant } = identity
    return {
      email,
      organisation: tenant.id,
      cloud: tenant.cloud.name,
      isAdministrator: await this.#isAdministrator(identity, { token: answer.access_token, cloud: tenant.cloud }),
    }
  }

  async #isAdministrator({ wids }: MicrosoftIdentity, access: GraphAccess): Promise<boolean> {
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
