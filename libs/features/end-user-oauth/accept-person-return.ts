import { Inject, Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { Clients } from '#domain/clients/clients.js'
import { Codes } from '#domain/grants/codes.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { Providers } from '#domain/providers/providers.js'
import { after, Clock } from '#platform/clock/clock.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { Database, type Tx } from '#platform/database/database.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import { hashOf, newBearer, RandomSource } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { ConnectStop, stopOf } from './connect.errors.js'
import { ConnectAccount, type Purpose, refuseIncomplete } from './connect-account.js'
import { type KeptPerson, keptPersonOf } from './kept-person.js'
import { LeaveForProvider } from './leave-for-provider.js'
import { returnUri } from './return-uri.js'
import type { SignIn } from './sign-in.entity.js'
import { HAND_OVER_LIFE } from './sign-in-journey.js'
import { SignInRegistrations } from './sign-in-registrations.js'
import { isItsBrowser, isItsState, SignIns } from './sign-ins.js'

/** What a provider's redirect carried. All of it is hearsay but `state`, which we made. */
export interface PersonReturn {
  provider: ProviderName | null
  state: string
  code: string | null
  error: string | null
  errorDescription: string | null
}

/** How a return ends. */
export type ReturnEnd =
  /** The account is connected; by OAuth with a code for the client. */
  | { kind: 'connected'; signIn: SignIn; email: string; code: Secret<string> | null }
  /** The client gets a code, and connects the account when it hands that in with the state. */
  | { kind: 'handed over'; signIn: SignIn; email: string; code: Secret<string> }
  /** The person has to say yes once more, for all that this account is connected for. */
  | { kind: 'once more'; url: URL }
  /** Nothing is connected. The person may try again at `again`, where there is time for it. */
  | { kind: 'stopped'; signIn: SignIn; stop: ConnectStop; again: URL | null }

/** The browser is back from the provider. */
@Injectable()
export class AcceptPersonReturn {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly clients: Clients,
    private readonly signIns: SignIns,
    private readonly registrations: SignInRegistrations,
    private readonly providers: Providers,
    private readonly leaveForProvider: LeaveForProvider,
    private readonly connectAccount: ConnectAccount,
    private readonly codes: Codes,
    private readonly log: Log,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  /**
   * @param cookie of this sign-in, where the browser has it
   * @throws ConnectStop unknown, otherBrowser: whoever this is, it is not told where the sign-in would have ended
   */
  async accept(returned: PersonReturn, cookie: string | undefined): Promise<ReturnEnd> {
    const signIn = await this.database.read((em) => this.signIns.findByState(em, returned.state))
    if (!signIn || !isItsState(signIn, returned.state)) throw new ConnectStop('unknown')
    if (returned.provider !== null && returned.provider !== signIn.provider) throw new ConnectStop('unknown')
    if (!isItsBrowser(signIn, cookie)) throw new ConnectStop('otherBrowser')
    try {
      await this.#claim(signIn)
      return await this.#finish(signIn, returned)
    } catch (error) {
      const stop = error instanceof ProviderError ? stopOf(error) : error
      if (!(stop instanceof ConnectStop)) throw error
      // A move whose transaction failed has not happened: the row says where the sign-in stands.
      const standing = await this.database.read((em) => this.signIns.find(em, signIn.id))
      return this.#stopped(standing ?? signIn, stop)
    }
  }

  /** Before anything else, so that a second visit to the same address finds nothing. */
  async #claim(signIn: SignIn): Promise<void> {
    const client = await this.database.read((em) => this.clients.find(em, signIn.clientId))
    const { redirectUri } = signIn
    if (!client || client.disabledAt || (redirectUri != null && !client.redirectUris.includes(redirectUri)))
      throw new ConnectStop('clientChanged')
    if (signIn.endedAt) throw new ConnectStop('used')
    if (signIn.expiresAt <= this.clock.now()) throw new ConnectStop('expired')
    const claimed = await this.database.inTransaction((tx) => this.signIns.move(tx, signIn, 'finishing'))
    if (!claimed) throw new ConnectStop('used')
    failPoint('accept-person-return.claimed')
  }

  async #finish(signIn: SignIn, returned: PersonReturn): Promise<ReturnEnd> {
    const person = await this.#ask(signIn, returned)
    const purpose = purposeOf(signIn)
    refuseIncomplete({ ...purpose, scopesBeside: signIn.scopesBeside, loginHint: signIn.loginHint }, person)
    const lost = await this.database.read((em) => this.connectAccount.scopesLost(em, purpose, person))
    if (lost.length > 0) return this.#onceMore(signIn, person, lost, returned.state)
    return signIn.dialect === 'socrate' ? this.#handOver(signIn, person) : this.#connect(signIn, person)
  }

  /** Who came, from the provider itself. @throws ProviderError, ConnectStop */
  async #ask(signIn: SignIn, { state, code, error, errorDescription }: PersonReturn): Promise<KeptPerson> {
    const provider = signIn.provider!
    const userSignIn = this.providers.userSignIn(provider)
    if (error !== null || !code)
      throw userSignIn.refusalOf({ error: error ?? 'no code', description: errorDescription ?? '' })
    const registration = await this.database.read((em) => this.registrations.get(em, provider, signIn.clientId))
    const sealed = await this.signIns.open(signIn)
    if (sealed.kind !== 'away') throw new ConnectStop('used')
    const attempt = {
      redirectUri: returnUri(this.http.publicUrl, signIn.dialect, provider),
      ...{ state, nonce: sealed.nonce, codeVerifier: new Secret(sealed.codeVerifier) },
    }
    return keptPersonOf(await userSignIn.exchange(registration, attempt, code), registration.clientId)
  }

  async #onceMore(signIn: SignIn, { email }: KeptPerson, lost: string[], state: string): Promise<ReturnEnd> {
    const changed = { loginHint: email, scopesBeside: lost, ...(signIn.dialect === 'socrate' && { state }) }
    const { url } = await this.database.inTransaction((tx) =>
      this.leaveForProvider.leave(tx, signIn, signIn.provider!, changed),
    )
    return { kind: 'once more', url }
  }

  async #handOver(signIn: SignIn, person: KeptPerson): Promise<ReturnEnd> {
    const code = new Secret(newBearer(this.random))
    const changes = {
      handOverHash: hashOf(code.reveal()),
      sealedAttempt: await this.signIns.seal(signIn, { kind: 'back', person }),
      expiresAt: after(this.clock.now(), HAND_OVER_LIFE),
    }
    if (!(await this.database.inTransaction((tx) => this.signIns.move(tx, signIn, 'handed-over', changes))))
      throw new ConnectStop('expired')
    return { kind: 'handed over', signIn, email: person.email, code }
  }

  async #connect(signIn: SignIn, person: KeptPerson): Promise<ReturnEnd> {
    const code = await this.database.inTransaction(async (tx) => {
      const ending = { sealedAttempt: null, endedAt: this.clock.now() }
      if (!(await this.signIns.move(tx, signIn, 'connected', ending))) throw new ConnectStop('expired')
      const { grant, email: mailbox } = await this.connectAccount.connect(tx, purposeOf(signIn), person)
      if (signIn.dialect !== 'oauth') return null
      const to = { redirectUri: signIn.redirectUri!, codeChallenge: signIn.codeChallenge ?? null, mailbox }
      return (await this.codes.issueForConnectedAccount(tx, grant, to)).code
    })
    failPoint('accept-person-return.connected')
    return { kind: 'connected', signIn, email: person.email, code }
  }

  /**
   * With a way to try again where that may help and there is time. On record where it has moved the sign-in: the same address
   * opened once more tells nobody anything.
   */
  async #stopped(signIn: SignIn, stop: ConnectStop): Promise<ReturnEnd> {
    const { id: subject, clientId } = signIn
    this.log.info('account.not_connected', { client: clientId, id: subject, code: stop.code, detail: stop.detail })
    if (stop.stop === 'used') return { kind: 'stopped', signIn, stop, again: null }
    const again = await this.database.inTransaction(async (tx) => {
      const again = MAY_TRY_AGAIN.has(stop.stop) && staysWithUs(signIn, stop) ? await this.#again(tx, signIn) : null
      if (again || (await this.signIns.end(tx, signIn)))
        await recordAct(tx, { clientId, at: this.clock.now(), act: 'account.refused', subject, reason: stop.code })
      return again
    })
    return { kind: 'stopped', signIn, stop, again }
  }

  /** Null where there is no time left for it, or no registration any more. */
  async #again(tx: Tx, signIn: SignIn): Promise<URL | null> {
    try {
      return (await this.leaveForProvider.leave(tx, signIn, signIn.provider!)).url
    } catch (error) {
      if (error instanceof ConnectStop) return null
      throw error
    }
  }
}

const MAY_TRY_AGAIN: ReadonlySet<ConnectStop['stop']> = new Set([
  ...(['declined', 'partial', 'wrongAccount', 'wouldLose', 'beingTakenBack'] as const),
  ...(['noRefreshToken', 'failed', 'providerDown'] as const),
])

/**
 * Whether a person is shown a page about what went wrong; else the client is told, and says it in its own words. No browser
 * is sent to an address that the client has taken away.
 */
export const staysWithUs = ({ dialect, redirectUri }: SignIn, { stop }: ConnectStop) =>
  dialect === 'oauth' || redirectUri == null || stop === 'clientChanged'

export const purposeOf = (signIn: SignIn): Purpose => ({ ...signIn, provider: signIn.provider! })
