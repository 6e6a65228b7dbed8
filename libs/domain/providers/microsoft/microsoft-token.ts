import { decodeJwt } from 'jose'
import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { after, type Clock, minutes } from '#platform/clock/clock.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import type { MicrosoftCredential, Organisation } from '../provider.port.js'
import type { ProviderTokens } from '../tokens/provider-tokens.js'
import type { MintedToken, Urgency, WantedToken } from '../tokens/wanted-token.js'
import { classifyMicrosoftAnswer } from './classify-microsoft-failure.js'
import type { GraphAccess } from './graph.js'
import { CLOUDS, graphAppScope, type MicrosoftCloud } from './microsoft-cloud.js'
import { type MicrosoftErrorKey, microsoftError } from './microsoft-errors.js'
import type { MicrosoftLogin } from './microsoft-login.js'

/** The organisation at Microsoft, as far as a token depends on it. */
export interface TokenOwner {
  id: string
  cloud: MicrosoftCloud
}

/** Microsoft spreads a new consent for some minutes: until then its servers do not agree on what was granted. */
const CONSENT_ARRIVES_WITHIN = minutes(10)
/** What is said meanwhile by servers that have not heard of it. */
const NOT_ARRIVED_YET: readonly string[] = [
  'microsoft.app_not_in_tenant',
  'microsoft.consent_missing',
  'microsoft.permission_missing',
] satisfies MicrosoftErrorKey[]
/** Within that time, a token is trusted this long to hold all that was granted. */
const ROLES_STAND_FOR = minutes(1)

/** App-only tokens for Graph: one per organisation and credential, good for every mailbox of it and for no other. */
export class MicrosoftTokens {
  /** Failures in a row that are worth a few tries only, by organisation. */
  readonly #failures = new RecentlyUsed<number>(1_000, { ttl: minutes(10) })

  constructor(
    private readonly tokens: ProviderTokens,
    private readonly login: MicrosoftLogin,
    private readonly clock: Clock,
  ) {}

  async as<T>(organisation: Organisation, urgency: Urgency, call: (access: GraphAccess) => Promise<T>): Promise<T> {
    const credential = microsoftCredentialOf(organisation)
    const owner = ownerOf(organisation)
    const identity = [owner.id, owner.cloud.name, organisation.credentialVersion]
    const wanted = {
      ...budgetOf(credential, owner),
      ...{ identity, urgency, mint: () => this.#mint(owner, credential) },
    }
    const withToken = (token: string) => call({ token, cloud: owner.cloud })
    return this.#isFreshConsent(organisation)
      ? this.#useWhileFresh(wanted, withToken)
      : this.tokens.use(wanted, withToken)
  }

  /** A new token, past every cache: for the live check. */
  mintAnew(owner: TokenOwner, credential: MicrosoftCredential): Promise<MintedToken> {
    const mint = () => this.#mint(owner, credential)
    return this.tokens.mintAnew({ ...budgetOf(credential, owner), urgency: 'interactive', mint })
  }

  async #mint(owner: TokenOwner, credential: MicrosoftCredential): Promise<MintedToken> {
    try {
      const minted = await this.#ask(owner, credential)
      this.#failures.delete(owner.id)
      return minted
    } catch (error) {
      throw this.#lastTry(owner, error)
    }
  }

  async #ask(owner: TokenOwner, credential: MicrosoftCredential): Promise<MintedToken> {
    const { id, cloud } = owner
    const grant = { grant_type: 'client_credentials', scope: graphAppScope(cloud) }
    const answer = await this.login.askForTokens(cloud, id, credential, grant)
    const { access_token: token, expires_in: seconds } = (answer.json ?? {}) as Record<string, unknown>
    if (answer.status !== 200 || typeof token !== 'string' || token === '' || !(Number(seconds) > 0))
      throw classifyMicrosoftAnswer(answer, this.clock.now())
    refuseOtherTenant(token, id)
    return { token, lifetimeMs: Number(seconds) * 1000 }
  }

  #isFreshConsent({ authorisedAt }: Organisation): boolean {
    return authorisedAt !== undefined && this.clock.now() < after(authorisedAt, CONSENT_ARRIVES_WITHIN)
  }

  /** Roles are written into a token when it is issued: one from before a permission arrived is replaced, not believed. */
  async #useWhileFresh<T>(wanted: WantedToken, call: (token: string) => Promise<T>): Promise<T> {
    let refusal: ProviderError | null = null
    try {
      return await this.tokens.use(wanted, async (token) => {
        try {
          return await call(token)
        } catch (error) {
          if (!isNotArrivedYet(error)) throw error
          refusal = error
          const issuedAt = new Date((decodeJwt(token).iat ?? 0) * 1000)
          if (this.clock.now() < after(issuedAt, ROLES_STAND_FOR)) throw error
          throw microsoftError('provider.token_rejected', { detail: 'issued before the consent arrived' })
        }
      })
    } catch (error) {
      const told =
        refusal && error instanceof ProviderError && error.code === 'provider.token_rejected' ? refusal : error
      throw isNotArrivedYet(told) ? withClassRetry(told) : told
    }
  }

  #lastTry({ id }: TokenOwner, error: unknown): unknown {
    if (!(error instanceof ProviderError) || !error.facts.tries) return error
    const failures = (this.#failures.get(id) ?? 0) + 1
    this.#failures.set(id, failures)
    if (failures <= error.facts.tries) return error
    const { problem, fix } = error.facts
    return microsoftError('provider.unavailable', { class: 'permanent', problem, fix, detail: error.detail })
  }
}

/** Microsoft counts an application's calls in each tenant. */
const budgetOf = ({ clientId }: MicrosoftCredential, { id }: TokenOwner) => ({
  provider: 'microsoft' as const,
  budget: `${clientId} ${id}`,
})

const isNotArrivedYet = (error: unknown): error is ProviderError =>
  error instanceof ProviderError && NOT_ARRIVED_YET.includes(error.code)

const withClassRetry = ({ code, detail }: ProviderError) =>
  microsoftError(code as MicrosoftErrorKey, { class: 'retry', detail })

/** Belt and braces against a token of one organisation ever being used for another. */
function refuseOtherTenant(token: string, tenantId: string): void {
  try {
    if (String(decodeJwt(token).tid).toLowerCase() === tenantId.toLowerCase()) return
  } catch {
    // Not a JWT: then nothing says whose it is.
  }
  throw microsoftError('microsoft.tenant_mismatch', { detail: 'tid of the access token' })
}

const ownerOf = ({ id, cloud }: Organisation): TokenOwner => ({ id, cloud: CLOUDS[cloud ?? 'global'] })

export function microsoftCredentialOf({ credential }: Pick<Organisation, 'credential'>): MicrosoftCredential {
  if (credential.provider !== 'microsoft') throw new TypeError('a Microsoft organisation needs a Microsoft credential')
  return credential
}
