import { LRUCache } from 'lru-cache'
import type { Clock } from '#platform/clock/clock.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import type { GoogleCredential, Organisation } from '../provider.port.js'
import type { ProviderTokens } from '../tokens/provider-tokens.js'
import type { MintedToken, Urgency } from '../tokens/wanted-token.js'
import { assertionClaims, type SigningKey, signAssertion, signingKey } from './google-assertion.js'
import { type GoogleErrorKey, googleError } from './google-errors.js'
import type { GoogleHttp } from './google-http.js'

const KEYS_KEPT = 1_000
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
  readonly #keys = new LRUCache<string, SigningKey>({ max: KEYS_KEPT })

  constructor(
    private readonly tokens: ProviderTokens,
    private readonly http: GoogleHttp,
    private readonly clock: Clock,
  ) {}

  /** Runs `call` with a token for `subject`, kept or new. */
  as<T>(
    organisation: Organisation,
    subject: string,
    scopes: readonly string[],
    urgency: Urgency,
    call: (token: string) => Promise<T>,
  ): Promise<T> {
    const credential = googleCredentialOf(organisation)
    const version = organisation.credentialVersion
    const wanted = {
      provider: 'google' as const,
      identity: [organisation.id, version, subject.toLowerCase(), ...[...scopes].sort()],
      // Google counts the calls of a project, whichever organisation they are for.
      budget: credential.clientId,
      urgency,
      mint: () => this.mint(credential, subject, scopes, this.#keyOf(credential, version)),
    }
    return this.tokens.use(wanted, call)
  }

  /** The directory and the rooms are read with the administrator's mailbox, and everybody needs it to go on existing. */
  async asAdministrator<T>(
    organisation: Organisation,
    scopes: readonly string[],
    urgency: Urgency,
    call: (token: string) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.as(organisation, organisation.administratorEmail, scopes, urgency, call)
    } catch (error) {
      if (!(error instanceof ProviderError) || !ADMINISTRATOR_IS_GONE.has(error.code)) throw error
      throw googleError('google.administrator_unavailable', { detail: error.code })
    }
  }

  /** A new token, past every cache: for the live check. */
  async mint(
    credential: GoogleCredential,
    subject: string,
    scopes: readonly string[],
    key = parseKey(credential),
  ): Promise<MintedToken> {
    const once = () => this.#exchange(credential, subject, scopes, key)
    try {
      return await once()
    } catch (error) {
      // Google's unexplained refusals are sometimes a passing mood, so they are believed the second time.
      if (error instanceof ProviderError && error.code === 'google.grant_rejected') return once()
      throw error
    }
  }

  /** RFC 7523 section 2.1. */
  async #exchange(credential: GoogleCredential, subject: string, scopes: readonly string[], key: SigningKey) {
    const claims = assertionClaims({ issuer: credential.clientEmail, subject, scopes, now: this.clock.now() })
    const form = `grant_type=${GRANT_TYPE}&assertion=${await signAssertion(key, claims)}`
    const answer = await this.http.post<TokenAnswer>('token', 'oauth2.googleapis.com', '/token', form)
    if (!answer.access_token) throw googleError('provider.unavailable', { detail: 'the token answer held no token' })
    return { token: answer.access_token, lifetimeMs: Number(answer.expires_in ?? 0) * 1000 }
  }

  #keyOf(credential: GoogleCredential, version: string): SigningKey {
    const kept = this.#keys.get(version)
    if (kept) return kept
    const key = parseKey(credential)
    this.#keys.set(version, key)
    return key
  }
}

function parseKey({ privateKey, privateKeyId }: GoogleCredential): SigningKey {
  try {
    return signingKey(privateKey.reveal(), privateKeyId)
  } catch {
    throw googleError('google.credential_invalid', { detail: 'the private key cannot be parsed' })
  }
}

export function googleCredentialOf({ credential }: Pick<Organisation, 'credential'>): GoogleCredential {
  if (credential.provider !== 'google') throw new TypeError('a Google organisation needs a Google credential')
  return credential
}
