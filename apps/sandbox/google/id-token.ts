import { createHash, createPublicKey, type JsonWebKey, type KeyObject, sign } from 'node:crypto'
import { selfSignedCertificate, standInsKey } from '../core/self-signed-certificate.js'
import type { ShiftableClock } from '../core/shiftable-clock.js'
import type { User } from './organisation.js'
import { EMAIL, PROFILE } from './scopes.js'

export const ISSUER = 'https://accounts.google.com'

interface IdTokenFacts {
  user: User
  clientId: string
  scopes: ReadonlySet<string>
  nonce: string | null
  accessToken: string
}

/** Google's signing key for id_tokens: one, for as long as the stand-in runs. */
export class IdTokenSigner {
  readonly keyId: string
  readonly certificatePem: string

  constructor(
    private readonly privateKey: KeyObject,
    private readonly clock: ShiftableClock,
  ) {
    this.certificatePem = selfSignedCertificate(privateKey, 'federated-signon.system.gserviceaccount.com')
    this.keyId = createHash('sha1').update(this.certificatePem).digest('hex')
  }

  static async create(clock: ShiftableClock): Promise<IdTokenSigner> {
    return new IdTokenSigner(await standInsKey(), clock)
  }

  get jwk(): JsonWebKey {
    const key = createPublicKey(this.privateKey).export({ format: 'jwk' })
    return { ...key, alg: 'RS256', use: 'sig', kid: this.keyId }
  }

  sign({ user, clientId, scopes, nonce, accessToken }: IdTokenFacts): string {
    const now = Math.floor(this.clock.nowMs() / 1000)
    return this.#jwt({
      iss: ISSUER,
      azp: clientId,
      aud: clientId,
      sub: user.id,
      ...(user.organisation && { hd: user.organisation.primaryDomain }),
      ...(scopes.has(EMAIL) && { email: user.email, email_verified: true }),
      // OpenID Connect Core section 3.1.3.6: the left half of the hash.
      at_hash: createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url'),
      ...(nonce && { nonce }),
      ...(scopes.has(PROFILE) && profileOf(user)),
      iat: now,
      exp: now + 3600,
    })
  }

  #jwt(claims: object): string {
    const header = { alg: 'RS256', kid: this.keyId, typ: 'JWT' }
    const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), this.privateKey).toString('base64url')}`
  }
}

export const profileOf = ({ givenName, familyName }: User) => ({
  name: `${givenName} ${familyName}`,
  given_name: givenName,
  family_name: familyName,
})
