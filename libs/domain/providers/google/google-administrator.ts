import { createHash } from 'node:crypto'
import { CodeChallengeMethod, OAuth2Client, type TokenPayload } from 'google-auth-library'
import type { Clock } from '#platform/clock/clock.js'
import type { ProviderError } from '#platform/errors/provider-error.js'
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
import { CheckGoogleOrganisation } from './check-google-organisation.js'
import { classifyGoogleFailure, classifyGoogleReturn } from './classify-google-failure.js'
import type { GoogleApi } from './google-api.js'
import { googleError } from './google-errors.js'
import type { GoogleTokens } from './google-token.js'
import { GaxiosError, type Transport } from './google-transport.js'

const AUTHORIZE_PATH = '/o/oauth2/v2/auth'

export class GoogleAdministrator implements AdministratorProvider {
  readonly name = 'google'
  readonly browserOrigin: string

  constructor(
    private readonly transport: Transport,
    private readonly tokens: GoogleTokens,
    private readonly api: GoogleApi,
    private readonly clock: Clock,
    sandboxUrl: URL | null,
  ) {
    this.browserOrigin = sandboxUrl?.origin ?? 'https://accounts.google.com'
  }

  signInUrl(registration: SignInRegistration, attempt: SignInAttempt): URL {
    return new URL(
      this.#client(registration, attempt).generateAuthUrl({
        scope: ['openid', 'email', 'profile'],
        prompt: 'select_account',
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: createHash('sha256').update(attempt.codeVerifier.reveal()).digest('base64url'),
        code_challenge_method: CodeChallengeMethod.S256,
      }),
    )
  }

  async finishSignIn(
    registration: SignInRegistration,
    attempt: SignInAttempt,
    code: string,
  ): Promise<SignedInAdministrator> {
    const client = this.#client(registration, attempt)
    try {
      const { tokens } = await client.getToken({ code, codeVerifier: attempt.codeVerifier.reveal() })
      const claims = await this.#verified(client, tokens.id_token ?? '', registration.clientId)
      if (claims.nonce !== attempt.nonce || !claims.email || !claims.email_verified)
        throw googleError('google.sign_in_unproven', { detail: 'nonce or address of the id_token' })
      return {
        providerUserId: claims.sub,
        email: claims.email,
        displayName: claims.name ?? null,
        organisation: claims.hd ?? null,
        isAdministrator: null,
      }
    } catch (error) {
      throw classifyGoogleFailure(error, 'code', this.clock.now())
    }
  }

  /** Signature, issuer, audience and times; the library's complaints quote the whole token, so none is kept. */
  async #verified(client: OAuth2Client, idToken: string, audience: string): Promise<TokenPayload> {
    try {
      const claims = (await client.verifyIdToken({ idToken, audience })).getPayload()
      if (claims) return claims
    } catch (error) {
      if (error instanceof GaxiosError) throw error
    }
    throw googleError('google.sign_in_unproven')
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

  #client({ clientId, clientSecret }: SignInRegistration, { redirectUri }: SignInAttempt): OAuth2Client {
    return new OAuth2Client({
      clientId,
      clientSecret: clientSecret.reveal(),
      redirectUri,
      transporter: this.transport,
      endpoints: { oauth2AuthBaseUrl: `${this.browserOrigin}${AUTHORIZE_PATH}` },
    })
  }
}
