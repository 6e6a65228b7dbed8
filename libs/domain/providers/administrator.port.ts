import type { ProviderError } from '#platform/errors/provider-error.js'
import type { Secret } from '#platform/secrets/secret.js'
import type { DelegatedPermission } from './delegated-scopes.js'
import type {
  MailboxKind,
  MicrosoftCloudName,
  MicrosoftCredential,
  ProviderCredential,
  ProviderName,
} from './provider.port.js'

export interface OAuthClient {
  clientId: string
  clientSecret: Secret<string>
}

/** With what administrators sign in. Google: an OAuth client. Microsoft: the app registration that acts, proven in the same way. */
export type SignInRegistration = OAuthClient | MicrosoftCredential

/** What ties a browser's way to the provider and back together; kept by the consent, never by the browser. */
export interface SignInAttempt {
  redirectUri: string
  state: string
  nonce: string
  codeVerifier: Secret<string>
}

/** Who came back, from a verified id_token. */
export interface SignedInAdministrator {
  email: string
  /** Google: `hd`. Microsoft: `tid`. Null for a consumer account, which has no organisation. */
  organisation: string | null
  /** Microsoft: where that organisation lies. */
  cloud?: MicrosoftCloudName
  /** Microsoft says it at sign-in (`wids`, or Graph with the person's own token). Google says it in the directory: null until the check. */
  isAdministrator: boolean | null
}

export interface OrganisationClaim {
  credential: ProviderCredential
  /** The signed-in administrator; with a customer's own credential, the mailbox that the administrator named. */
  administratorEmail: string
  /** Google: `hd`, or the domain of `administratorEmail`. Microsoft: tenant GUID, or the domain typed in. */
  organisation: string
  /** `sign-in`: the credential is the operator's, so the organisation must follow from who signed in. `possession`: whoever holds the credential speaks for it. */
  provenBy: 'sign-in' | 'possession'
  /** Whose calendar to try at Microsoft, where administrators often have none; the administrator's own when left out. */
  mailbox?: string
  permissions: readonly DelegatedPermission[]
  kinds: readonly MailboxKind[]
}

/** One line of the check page. `id` is stable: `credential`, `organisation`, `administrator`, `permission:<provider scope>`, `rooms`, `mailbox`. */
export interface CheckStep {
  id: string
  /** In words for an administrator, e.g. "Read calendars". */
  label: string
  outcome: 'passed' | 'failed' | 'not-checked'
  /** What happened, and the one thing to do about it; empty when passed. */
  problem: string
  fix: string
  /** Our error key (`google.delegation_missing`), for the support call. */
  key: string | null
  /** What an administrator may copy into the provider's own shell to mend it; empty where pages are the way. */
  commands: readonly string[]
}

/** `error` and `error_description` of a provider return: unauthenticated, so good for a sentence and for nothing else. */
export interface ReturnedRefusal {
  error: string
  description: string
}

export interface VerifiedOrganisation {
  /** Google customer id; Microsoft tenant GUID. */
  id: string
  name: string
  domains: string[]
  administratorEmail: string
  /** Microsoft: where the tenant lies. */
  cloud?: MicrosoftCloudName
}

/** The administrator's side of a provider: signing in, and checking live what has been granted. */
export interface AdministratorProvider {
  readonly name: ProviderName

  /** Where to send the browser to sign in (PKCE S256, nonce). */
  signInUrl(registration: SignInRegistration, attempt: SignInAttempt): URL

  /**
   * Exchanges the returned code and verifies the id_token.
   * @throws ProviderError (`oauth.code_invalid`, `provider.unavailable`, …)
   */
  finishSignIn(registration: SignInRegistration, attempt: SignInAttempt, code: string): Promise<SignedInAdministrator>

  /** Microsoft's second screen, for the tenant of who signed in; null at Google, where delegation is added in the Admin console. */
  adminConsentUrl(
    registration: SignInRegistration,
    administrator: SignedInAdministrator,
    redirectUri: string,
    state: string,
  ): URL | null

  /** What it means that the browser came back with an error instead of a code or a consent. */
  refusalOf(returned: ReturnedRefusal): ProviderError

  /**
   * Tries the credential for real, step by step: yields each step as it is known, and returns the organisation when
   * every step that matters has passed, else null. A refusal is a failed step; only an outage throws.
   */
  checkOrganisation(claim: OrganisationClaim): AsyncGenerator<CheckStep, VerifiedOrganisation | null>
}
