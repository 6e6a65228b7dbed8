import type { Clock } from '#platform/clock/clock.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import type { Log } from '#platform/observability/log.js'
import type { GoogleCredential, Organisation } from '../provider.port.js'
import type { ProviderTokens } from '../tokens/provider-tokens.js'
import type { MintedToken, Urgency, UseToken } from '../tokens/wanted-token.js'
import { assertionClaims } from './google-assertion.js'
import { type GoogleErrorKey, googleError } from './google-errors.js'
import type { GoogleHttp } from './google-http.js'
import type { GoogleSigner, GoogleSigners, SignerRing } from './google-signers.js'

const GRANT_TYPE = encodeURIComponent('urn:ietf:params:oauth:grant-type:jwt-bearer')
const ADMINISTRATOR_IS_GONE: ReadonlySet<string> = new Set<GoogleErrorKey>([
  'google.subject_not_found',
  'google.subject_deleted',
  'google.subject_restricted',
  'google.calendar_service_off',
])

interface TokenAnswer {
  access_token?: string
  expires_in?: number
}

/** Access tokens of a service account that acts as somebody (domain-wide delegation). */
export class GoogleTokens {
  constructor(
    private readonly tokens: ProviderTokens,
    private readonly http: GoogleHttp,
    private readonly signers: GoogleSigners,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Runs `call` with a token for `subject`, kept or new. */
  as<T>(
    organisation: Organisation,
    subject: string,
    scopes: readonly string[],
    urgency: Urgency,
    call: UseToken<T>,
  ): Promise<T> {
    const credential = googleCredentialOf(organisation)
    const version = organisation.credentialVersion
    const identity = [organisation.id, version, subject.toLowerCase(), ...[...scopes].sort()]
    const mint = () => this.#mint(credential, subject, scopes, this.signers.of(credential, version))
    return this.tokens.use({ ...budgetOf(credential), identity, urgency, mint }, call)
  }

  /** The directory and the rooms are read with the administrator's mailbox, and everybody needs it to go on existing. */
  async asAdministrator<T>(
    organisation: Organisation,
    scopes: readonly string[],
    urgency: Urgency,
    call: UseToken<T>,
  ): Promise<T> {
    try {
      return await this.as(organisation, organisation.administratorEmail, scopes, urgency, call)
    } catch (error) {
      if (!(error instanceof ProviderError) || !ADMINISTRATOR_IS_GONE.has(error.code)) throw error
      throw googleError('google.administrator_unavailable', { detail: error.code })
    }
  }

  /** A new token, past every cache: for the live check. */
  mintAnew(credential: GoogleCredential, subject: string, scopes: readonly string[]): Promise<MintedToken> {
    const mint = () => this.#mint(credential, subject, scopes, this.signers.make(credential))
    return this.tokens.mintAnew({ ...budgetOf(credential), urgency: 'interactive', mint })
  }

  #mint(
    credential: GoogleCredential,
    subject: string,
    scopes: readonly string[],
    ring: SignerRing,
  ): Promise<MintedToken> {
    const now = this.clock.now()
    const claims = assertionClaims({ issuer: credential.clientEmail, subject, scopes, now })
    return this.#exchangeWith(ring, ring.inOrder(now), claims)
  }

  /** With the newest key that works: one that was deleted or disabled at Google hands over to the next. */
  async #exchangeWith(
    ring: SignerRing,
    [signer, ...others]: readonly GoogleSigner[],
    claims: string,
  ): Promise<MintedToken> {
    try {
      return await this.#exchangeTwice(signer!, claims)
    } catch (error) {
      if (others.length === 0 || !isRefusal(error, 'google.credential_key_invalid')) throw error
      ring.rest(signer!, this.clock.now())
      // As much of the id as tells it apart in Google's console.
      const key = signer!.keyId?.slice(0, 8)
      this.log.warn('google.key_refused', { key, detail: 'The next key of this service account is used instead.' })
      return this.#exchangeWith(ring, others, claims)
    }
  }

  /** Google's unexplained refusals are sometimes a passing mood, so they are believed the second time. */
  async #exchangeTwice(signer: GoogleSigner, claims: string): Promise<MintedToken> {
    try {
      return await this.#exchange(signer, claims)
    } catch (error) {
      if (isRefusal(error, 'google.grant_rejected')) return this.#exchange(signer, claims)
      throw error
    }
  }

  /** RFC 7523 section 2.1. */
  async #exchange(signer: GoogleSigner, claims: string): Promise<MintedToken> {
    const form = `grant_type=${GRANT_TYPE}&assertion=${await signer.sign(claims)}`
    const answer = await this.http.post<TokenAnswer>('token', 'oauth2.googleapis.com', '/token', form)
    if (!answer.access_token) throw googleError('provider.unavailable', { detail: 'the token answer held no token' })
    return { token: answer.access_token, lifetimeMs: Number(answer.expires_in ?? 0) * 1000 }
  }
}

/** Google counts the calls of a project, whichever organisation they are for. */
const budgetOf = ({ clientId }: GoogleCredential) => ({ provider: 'google' as const, budget: clientId })

const isRefusal = (error: unknown, key: GoogleErrorKey) => error instanceof ProviderError && error.code === key

export function googleCredentialOf({ credential }: Pick<Organisation, 'credential'>): GoogleCredential {
  if (credential.provider !== 'google') throw new TypeError('a Google organisation needs a Google credential')
  return credential
}
