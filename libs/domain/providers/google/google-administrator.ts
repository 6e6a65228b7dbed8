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
import { type GoogleSignIn, IDENTITY_SCOPES } from './google-sign-in.js'
import type { GoogleTokens } from './google-token.js'

export class GoogleAdministrator implements AdministratorProvider {
  readonly name = 'google'
  readonly browserOrigins: string[]

  constructor(
    private readonly signIn: GoogleSignIn,
    private readonly tokens: GoogleTokens,
    private readonly api: GoogleApi,
  ) {
    this.browserOrigins = [signIn.browserOrigin]
  }

  signInUrl(client: OAuthClient, attempt: SignInAttempt): URL {
    return this.signIn.url(client, attempt, IDENTITY_SCOPES, { prompt: 'select_account' })
  }

  async finishSignIn(client: OAuthClient, attempt: SignInAttempt, code: string): Promise<SignedInAdministrator> {
    const { identity } = await this.signIn.exchange(client, attempt, code)
    const { email, organisation } = identity
    return { email, organisation, isAdministrator: null }
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
