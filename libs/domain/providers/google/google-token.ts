import { createPrivateKey, type KeyObject } from 'node:crypto'
import { JWT } from 'google-auth-library'
import { LRUCache } from 'lru-cache'
import type { Clock } from '#platform/clock/clock.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import type { GoogleCredential, Organisation } from '../provider.port.js'
import { type MintedToken, TokenCache } from '../token-cache.js'
import { classifyGoogleFailure } from './classify-google-failure.js'
import { type GoogleErrorKey, googleError } from './google-errors.js'
import type { Transport } from './google-transport.js'

const KEYS_KEPT = 1_000
const ADMINISTRATOR_IS_GONE: ReadonlySet<string> = new Set<GoogleErrorKey>([
  'google.subject_not_found',
  'google.subject_deleted',
  'google.subject_restricted',
  'google.calendar_service_off',
])

/** Access tokens of a service account that acts as somebody (domain-wide delegation). */
export class GoogleTokens {
  readonly #cache: TokenCache
  readonly #keys = new LRUCache<string, KeyObject>({ max: KEYS_KEPT })

  constructor(
    private readonly transport: Transport,
    private readonly clock: Clock,
  ) {
    this.#cache = new TokenCache(clock)
  }

  /** Runs `call` with a token for `subject`, kept or new. */
  as<T>(organisation: Organisation, subject: string, scopes: readonly string[], call: (token: string) => Promise<T>) {
    const credential = googleCredentialOf(organisation)
    const version = organisation.credentialVersion
    const key = [version, subject.toLowerCase(), ...[...scopes].sort()].join('\n')
    return this.#cache.use(key, () => this.mint(credential, subject, scopes, this.#keyOf(credential, version)), call)
  }

  /** The directory and the rooms are read with the administrator's mailbox, and everybody needs it to go on existing. */
  async asAdministrator<T>(organisation: Organisation, scopes: readonly string[], call: (token: string) => Promise<T>) {
    try {
      return await this.as(organisation, organisation.administratorEmail, scopes, call)
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

  async #exchange(credential: GoogleCredential, subject: string, scopes: readonly string[], key: KeyObject) {
    try {
      const jwt = new JWT({
        email: credential.clientEmail,
        // The library only hands the key on to node:crypto. Parsed once, it halves the cost of a signature.
        key: key as unknown as string,
        scopes: [...scopes],
        subject,
        transporter: this.transport,
      })
      const { access_token, expiry_date } = await jwt.authorize()
      if (!access_token) throw googleError('provider.unavailable', { detail: 'the token answer held no token' })
      // The library reckons with the system's clock, so the lifetime is taken back from it in the same currency.
      return { token: access_token, lifetimeMs: (expiry_date ?? 0) - Date.now() }
    } catch (error) {
      throw classifyGoogleFailure(error, 'token', this.clock.now())
    }
  }

  #keyOf(credential: GoogleCredential, version: string): KeyObject {
    const kept = this.#keys.get(version)
    if (kept) return kept
    const key = parseKey(credential)
    this.#keys.set(version, key)
    return key
  }
}

function parseKey(credential: GoogleCredential): KeyObject {
  try {
    return createPrivateKey(credential.privateKey.reveal())
  } catch {
    throw googleError('google.credential_invalid', { detail: 'the private key cannot be parsed' })
  }
}

export function googleCredentialOf({ credential }: Pick<Organisation, 'credential'>): GoogleCredential {
  if (credential.provider !== 'google') throw new TypeError('a Google organisation needs a Google credential')
  return credential
}
