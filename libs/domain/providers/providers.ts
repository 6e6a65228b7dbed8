import { Clock } from '#platform/clock/clock.js'
import type { ProviderSettings } from '#platform/config/settings.js'
import { Log } from '#platform/observability/log.js'
import type { AdministratorProvider } from './administrator.port.js'
import { GoogleAdministrator } from './google/google-administrator.js'
import { GoogleApi } from './google/google-api.js'
import { GoogleHttp } from './google/google-http.js'
import { GoogleOrganisation } from './google/google-organisation.js'
import { GoogleSignIn } from './google/google-sign-in.js'
import { GoogleSigners } from './google/google-signers.js'
import { GoogleTokens } from './google/google-token.js'
import { GoogleUserCalls } from './google/google-user-calls.js'
import { GoogleUserSignIn } from './google/google-user-sign-in.js'
import { WorkloadIdentity } from './google/workload-identity.js'
import { Graph } from './microsoft/graph.js'
import { MicrosoftAdministrator } from './microsoft/microsoft-administrator.js'
import { MicrosoftHttp } from './microsoft/microsoft-http.js'
import { MicrosoftLogin } from './microsoft/microsoft-login.js'
import { MicrosoftOrganisation } from './microsoft/microsoft-organisation.js'
import { MicrosoftSignIn } from './microsoft/microsoft-sign-in.js'
import { MicrosoftTokens } from './microsoft/microsoft-token.js'
import { MicrosoftUserCalls } from './microsoft/microsoft-user-calls.js'
import { MicrosoftUserSignIn } from './microsoft/microsoft-user-sign-in.js'
import type { OrganisationProvider, ProviderName } from './provider.port.js'
import { ProviderHttp, providerDispatcher } from './provider-http.js'
import type { ProviderTokens } from './tokens/provider-tokens.js'
import { UserAccess } from './user-access.js'
import type { UserSignIn } from './user-sign-in.port.js'

interface Provider {
  organisation: OrganisationProvider
  administrator: AdministratorProvider & { browserOrigins: string[] }
  userSignIn: UserSignIn
  userAccess: UserAccess
  http: ProviderHttp
}

/** The providers behind their port, each wired once. */
export class Providers {
  readonly #providers: Record<ProviderName, Provider>

  constructor(
    settings: ProviderSettings,
    private readonly clock: Clock,
    tokens: ProviderTokens,
    log: Log,
  ) {
    this.#providers = { google: google(settings, clock, tokens, log), microsoft: microsoft(settings, clock, tokens) }
  }

  organisation(name: ProviderName): OrganisationProvider {
    return this.#providers[name].organisation
  }

  administrator(name: ProviderName): AdministratorProvider {
    return this.#providers[name].administrator
  }

  userSignIn(name: ProviderName): UserSignIn {
    return this.#providers[name].userSignIn
  }

  userAccess(name: ProviderName): UserAccess {
    return this.#providers[name].userAccess
  }

  /**
   * How far our clock is ahead of the provider's, which says its own with every answer, whatever the answer.
   * @returns seconds; null when it cannot be told. HTTP dates are whole seconds, and the answer takes its time.
   */
  async clockAheadSeconds(name: ProviderName): Promise<number | null> {
    const { administrator, http } = this.#providers[name]
    const answer = await http.call(administrator.browserOrigins[0]!).catch(() => null)
    const theirs = Date.parse(answer?.headers.date ?? '')
    return Number.isNaN(theirs) ? null : Math.round((this.clock.now().getTime() - theirs) / 1000)
  }

  /** Origins that the consent pages send browsers to, for `form-action` of the content security policy. */
  browserOrigins(): string[] {
    return Object.values(this.#providers).flatMap(({ administrator }) => administrator.browserOrigins)
  }
}

function google(
  { googleSandboxUrl, timeoutMs }: ProviderSettings,
  clock: Clock,
  shared: ProviderTokens,
  log: Log,
): Provider {
  const dispatcher = providerDispatcher(googleSandboxUrl, timeoutMs)
  const http = new ProviderHttp('google', dispatcher, timeoutMs)
  const hosts = new GoogleHttp(http, clock, googleSandboxUrl)
  const signers = new GoogleSigners(hosts, new WorkloadIdentity(clock, googleSandboxUrl, timeoutMs))
  const tokens = new GoogleTokens(shared, hosts, signers, clock, log)
  const api = new GoogleApi(hosts, clock)
  const signIn = new GoogleSignIn(hosts, clock, googleSandboxUrl)
  const userSignIn = new GoogleUserSignIn(signIn, hosts)
  return {
    organisation: new GoogleOrganisation(tokens, api, hosts),
    administrator: new GoogleAdministrator(signIn, tokens, api),
    userSignIn,
    userAccess: new UserAccess(shared, userSignIn, new GoogleUserCalls(hosts, api)),
    http,
  }
}

function microsoft(
  { microsoftSandboxUrl, timeoutMs }: ProviderSettings,
  clock: Clock,
  shared: ProviderTokens,
): Provider {
  const dispatcher = providerDispatcher(microsoftSandboxUrl, timeoutMs)
  const http = new ProviderHttp('microsoft', dispatcher, timeoutMs)
  const hosts = new MicrosoftHttp(http, microsoftSandboxUrl)
  const login = new MicrosoftLogin(hosts, clock)
  const tokens = new MicrosoftTokens(shared, login, clock)
  const graph = new Graph(hosts, clock)
  const organisation = new MicrosoftOrganisation(tokens, graph)
  const signIn = new MicrosoftSignIn(login, hosts, clock)
  const userSignIn = new MicrosoftUserSignIn(signIn)
  return {
    organisation,
    administrator: new MicrosoftAdministrator(signIn, login, tokens, graph, organisation, hosts),
    userSignIn,
    userAccess: new UserAccess(shared, userSignIn, new MicrosoftUserCalls(graph)),
    http,
  }
}
