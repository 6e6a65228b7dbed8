import { Secret } from '#platform/secrets/secret.js'
import type { HandedToken, MailboxAnswer, MailboxCall, MicrosoftCloudName, ProviderName } from './provider.port.js'
import { accessEnded, endsUserGrant, registrationReplaced, tokenTooWide } from './provider-errors.js'
import { type OperatorSetup, signInRegistrationOf } from './sign-in-registration.js'
import type { ProviderTokens } from './tokens/provider-tokens.js'
import type { MintedToken, Urgency, UseToken, WantedToken } from './tokens/wanted-token.js'
import { missingScopes } from './user-scopes.js'
import type { PersonTokens, UserSignIn } from './user-sign-in.port.js'

/** An account that its owner has connected, as far as acting for it needs to know it: `UserCredentials.findConnection`. */
export interface ConnectedAccount {
  accountId: string
  provider: ProviderName
  providerUserId: string
  /** Microsoft: the tenant, in which calls are counted. */
  organisationId: string | null
  cloud?: MicrosoftCloudName | null
  /** The registration that the refresh token is good with. */
  registrationId: string
  grantedScopes: readonly string[]
  /** Changes with each sign-in: tokens from before it are nobody's any more. */
  version: string
  requiresAuthentication: boolean
  /** What the operator has set up by now. */
  setup(): Promise<OperatorSetup | null>
  /** Lets one process at a time use the refresh token, and keeps what that brings. Null: not connected any more. */
  refresh(
    ask: (refreshToken: Secret<string>) => Promise<PersonTokens>,
    hasEnded: (error: unknown) => boolean,
  ): Promise<PersonTokens | null>
}

/** How a provider is read with a person's own token, which opens what that person may open. */
export interface UserCalls {
  /** @throws ProviderError `provider.token_rejected` */
  callWith(token: string, account: ConnectedAccount, call: MailboxCall): Promise<MailboxAnswer>
  /** Whether the provider takes this token just now. @throws ProviderError `provider.token_rejected` */
  tryToken(token: string, account: ConnectedAccount): Promise<void>
}

const WIDER_THAN_ASKED = 'The provider gives a token for all that this person has allowed, and for no less.'

/**
 * Acting for accounts that their owners have connected. Access tokens are shared by all processes, as all provider tokens are
 * (ADR 0015), so that a refresh token is seldom used; who may use it is decided where it is kept.
 */
export class UserAccess {
  constructor(
    private readonly tokens: ProviderTokens,
    private readonly signIn: UserSignIn,
    private readonly calls: UserCalls,
  ) {}

  /**
   * Runs `call` with an access token of this account, kept or new.
   * @throws ProviderError `grant.revoked` and whatever else `endsUserGrant` knows, where the owner has to sign in again; an
   *   outage or a throttle of the provider, which is no answer
   */
  async use<T>(account: ConnectedAccount, urgency: Urgency, call: UseToken<T>): Promise<T> {
    if (account.requiresAuthentication) throw accessEnded(account.provider)
    return this.#use(account, urgency, call)
  }

  /**
   * Lets the provider say whether this account still works, unless it has said so within the life of its latest token; the
   * answer is on the account's row afterwards. An account that has ended is asked about, too: some are given back.
   * @throws ProviderError as `use`
   */
  async check(account: ConnectedAccount): Promise<void> {
    await this.#use(account, 'bulk', async () => {})
  }

  /** Sends an admitted read with the owner's own token put in, and streams the answer. @throws ProviderError as `use` */
  callAs(account: ConnectedAccount, call: MailboxCall): Promise<MailboxAnswer> {
    return this.use(account, 'interactive', (token) => this.calls.callWith(token, account, call))
  }

  /**
   * A token for the client itself, tried at the provider before it is given away. It is not the one with which we act: what
   * that one holds is known only while it is minted, and people may have allowed more than one client, or one grant, was meant
   * to have.
   * @param scopes of the provider, beyond which the token must not go
   * @throws ProviderError `grant.token_too_wide` where it would, because less was never granted by its name, or because the
   *   provider adds to what is asked for; else as `use`
   */
  async tokenFor(account: ConnectedAccount, scopes: readonly string[]): Promise<HandedToken> {
    const { provider, accountId, version, grantedScopes } = account
    if (account.requiresAuthentication) throw accessEnded(provider)
    // Asking for a scope by a name that was not granted would end the grant at Microsoft.
    const asked = grantedScopes.filter((scope) => missingScopes(provider, [scope], scopes).length === 0).sort()
    if (missingScopes(provider, scopes, asked).length > 0) throw tokenTooWide(provider, WIDER_THAN_ASKED)
    const wanted = {
      ...this.#wanted(account, 'interactive'),
      identity: ['handed', accountId, version, ...asked],
      mint: () => this.#mintWithin(account, asked),
    }
    return this.tokens.use(wanted, async (token, usableUntil) => {
      await this.calls.tryToken(token, account)
      return { token: new Secret(token), usableUntil }
    })
  }

  /** Takes a refresh token back, where the provider has a way to. @throws ProviderError as `ConsentRevocation.revoke` */
  async revoke(setup: OperatorSetup, refreshToken: Secret<string>): Promise<void> {
    const registration = signInRegistrationOf(setup)
    if (registration) await this.signIn.revocation?.revoke(registration, refreshToken)
  }

  #use<T>(account: ConnectedAccount, urgency: Urgency, call: UseToken<T>): Promise<T> {
    return this.tokens.use(this.#wanted(account, urgency), call)
  }

  #wanted(account: ConnectedAccount, urgency: Urgency): WantedToken {
    const { provider, accountId, version, registrationId, organisationId } = account
    return {
      provider,
      identity: ['user', accountId, version],
      // Google counts the calls of a project; Microsoft an application's in each tenant.
      budget: provider === 'microsoft' ? `${registrationId} ${organisationId}` : registrationId,
      urgency,
      mint: async () => minted(await this.#refresh(account, account.grantedScopes)),
    }
  }

  async #mintWithin(account: ConnectedAccount, scopes: readonly string[]): Promise<MintedToken> {
    const tokens = await this.#refresh(account, scopes)
    if (missingScopes(account.provider, tokens.grantedScopes, scopes).length === 0) return minted(tokens)
    throw tokenTooWide(account.provider, WIDER_THAN_ASKED)
  }

  async #refresh(account: ConnectedAccount, scopes: readonly string[]): Promise<PersonTokens> {
    const tokens = await account.refresh((refreshToken) => this.#ask(account, refreshToken, scopes), endsUserGrant)
    if (!tokens) throw accessEnded(account.provider)
    return tokens
  }

  async #ask(
    { provider, setup, registrationId }: ConnectedAccount,
    refreshToken: Secret<string>,
    scopes: readonly string[],
  ): Promise<PersonTokens> {
    const present = await setup()
    const registration = present && signInRegistrationOf(present)
    if (registration?.clientId !== registrationId) throw registrationReplaced(provider)
    return this.signIn.refresh(registration, refreshToken, scopes)
  }
}

const minted = ({ accessToken, lifetimeMs }: PersonTokens): MintedToken => ({ token: accessToken.reveal(), lifetimeMs })
