import type { ProviderError } from '#platform/errors/provider-error.js'
import type { Secret } from '#platform/secrets/secret.js'
import type { ReturnedRefusal, SignInAttempt, SignInRegistration } from './administrator.port.js'
import type { MicrosoftCloudName, ProviderName } from './provider.port.js'

/** What a person is asked for at the provider. */
export interface AskedConsent {
  /**
   * Provider scopes by the provider's full names, as `user-scopes.ts` lists them. What signing in and a refresh token
   * need (`openid`, the address, `offline_access`) is added by the implementation and never listed here.
   */
  scopes: readonly string[]
  /** The address that the provider should offer first. A hint only: who came back is in `ConnectedPerson`. */
  loginHint?: string
  /** The person has connected this very account before: no account is chosen again, consent is. */
  reauthorise?: boolean
}

/** Access tokens are Bearer tokens (RFC 6750). None of these values is ever shown to a client. */
export interface PersonTokens {
  accessToken: Secret<string>
  /** From now on. */
  lifetimeMs: number
  /**
   * From an exchange: null where the provider gave none (Google, to an Android app that did not force one); what was
   * kept for the same person before is then still good. From a refresh: the new one that replaces the one presented,
   * or null where that one stays.
   */
  refreshToken: Secret<string> | null
  /**
   * The provider scopes that were really granted, in the same names as they were asked in. People may leave out some of
   * what was asked (`missingScopes` says which), and a provider may add what was granted earlier.
   */
  grantedScopes: readonly string[]
}

/** Who came back, from a verified id_token, and what we may do for them. */
export interface ConnectedPerson {
  /**
   * Never changes and is never given to another. Google: `sub`, which is the user id. Microsoft: `oid`, unique within
   * `organisation`, so the two together are the key. An address is no key: it changes, and at Microsoft nobody checks it.
   */
  providerUserId: string
  /** For people to read. */
  email: string
  displayName: string | null
  /** Google: `hd`, null for a consumer account. Microsoft: `tid`, also for consumers, who have a tenant of their own. */
  organisation: string | null
  /** Microsoft: where that organisation lies; every later call goes there. */
  cloud?: MicrosoftCloudName
  tokens: PersonTokens
}

/** Takes back at the provider what a person has allowed. */
interface ConsentRevocation {
  /**
   * A form POST (RFC 7009): the token is in no URL. At Google this ends everything that this person has allowed this
   * registration, whichever of its tokens is named, so the caller first makes sure that nothing else stands on it
   * (`UserCredentials` does). A token that had ended already is no error.
   * @throws ProviderError `provider.unavailable`, `provider.unreachable`, `provider.throttled`
   */
  revoke(registration: SignInRegistration, token: Secret<string>): Promise<void>
}

/** Codes that an app on a phone was given, without a browser and so without our state, nonce or PKCE. */
interface ServerAuthCodes {
  /**
   * What binds such a code to whoever presents it is the caller's own authentication (the user JWT).
   * @throws ProviderError as `UserSignIn.exchange`
   */
  exchange(registration: SignInRegistration, serverAuthCode: string): Promise<ConnectedPerson>
}

/**
 * The side of a provider on which one person connects one account. Implementations: `google/google-user-sign-in.ts`,
 * `microsoft/microsoft-user-sign-in.ts`; `Providers.userSignIn(name)` has them.
 */
export interface UserSignIn {
  readonly name: ProviderName

  /** Null at Microsoft, which has no endpoint for it: there, forgetting our refresh token is all that can be done. */
  readonly revocation: ConsentRevocation | null

  /** Null at Microsoft. */
  readonly serverAuthCodes: ServerAuthCodes | null

  /** Where to send the browser (PKCE S256, nonce, a refresh token asked for). */
  authorizationUrl(registration: SignInRegistration, attempt: SignInAttempt, asked: AskedConsent): URL

  /**
   * Exchanges the code that came back and verifies the id_token: signature, issuer, audience, times, nonce.
   * It is the same when the code came back to the client's own redirect URL and the client hands it to us: `attempt` is
   * then the one whose `redirectUri` that was, found again by its `state`.
   * @throws ProviderError `oauth.code_invalid`, `<provider>.sign_in_unproven`, `<provider>.sign_in_misconfigured`,
   *   `provider.unavailable`, `provider.unreachable`, `provider.throttled`
   */
  exchange(registration: SignInRegistration, attempt: SignInAttempt, code: string): Promise<ConnectedPerson>

  /**
   * New tokens for a refresh token (RFC 6749 section 6). Whoever may run twice calls `UserCredentials` instead, which
   * lets one process do it and keeps a rotated token before anything is done with it.
   * @param scopes the provider scopes wanted of the access token, within what was granted
   * @throws ProviderError that `endsUserGrant` knows where this one person has to sign in again (`grant.revoked`,
   *   `google.reauth_required`, `microsoft.interaction_required`, …); any other says nothing about the grant: retry an
   *   outage or a throttle, tell the operator of a `<provider>.sign_in_misconfigured`
   */
  refresh(
    registration: SignInRegistration,
    refreshToken: Secret<string>,
    scopes: readonly string[],
  ): Promise<PersonTokens>

  /** What it means that the browser came back with an error instead of a code. */
  refusalOf(returned: ReturnedRefusal): ProviderError
}
