import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { after, minutes } from '#platform/clock/clock.js'
import type { Secret } from '#platform/secrets/secret.js'
import type { GoogleCredential, GoogleKey } from '../provider.port.js'
import { signAssertion, signingKey } from './google-assertion.js'
import { googleError } from './google-errors.js'
import type { GoogleHttp } from './google-http.js'
import type { OwnIdentity, WorkloadIdentity } from './workload-identity.js'

const CREDENTIALS_KEPT = 1_000
/** A refused key comes last for so long: a new one may not be known everywhere yet, and a disabled one may come back. */
const REST = minutes(10)

/** Signs the claims of an assertion in the service account's name. */
export interface GoogleSigner {
  readonly keyId: string | null
  sign(claims: string): Promise<string>
}

/** The signers of one credential, the newest first. */
export class SignerRing {
  readonly #resting = new Map<GoogleSigner, Date>()

  constructor(private readonly signers: readonly GoogleSigner[]) {}

  inOrder(now: Date): readonly GoogleSigner[] {
    if (this.#resting.size === 0) return this.signers
    const rests = (signer: GoogleSigner) => (this.#resting.get(signer) ?? now) > now
    return [...this.signers.filter((one) => !rests(one)), ...this.signers.filter(rests)]
  }

  rest(signer: GoogleSigner, now: Date): void {
    this.#resting.set(signer, after(now, REST))
  }
}

/** Keys are parsed, and this installation's identity is opened, once for each version of a credential. */
export class GoogleSigners {
  readonly #rings = new RecentlyUsed<SignerRing>(CREDENTIALS_KEPT)

  constructor(
    private readonly http: GoogleHttp,
    private readonly identity: WorkloadIdentity,
  ) {}

  of(credential: GoogleCredential, version: string): SignerRing {
    const kept = this.#rings.get(version)
    if (kept) return kept
    const ring = this.make(credential)
    this.#rings.set(version, ring)
    return ring
  }

  make({ clientEmail, proof }: GoogleCredential): SignerRing {
    return new SignerRing(
      proof.kind === 'keys' ? proof.keys.map(keySigner) : [this.#identitySigner(clientEmail, proof.configuration)],
    )
  }

  /** Google holds the key, and signs for whoever has the role Service Account Token Creator on the account. */
  #identitySigner(clientEmail: string, configuration: Secret<string>): GoogleSigner {
    const path = `/v1/projects/-/serviceAccounts/${encodeURIComponent(clientEmail)}:signJwt`
    let opened: Promise<OwnIdentity> | undefined
    return {
      keyId: null,
      sign: async (claims) => {
        opened ??= this.identity.open(configuration).catch((error) => {
          opened = undefined
          throw error
        })
        const token = await (await opened)()
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
        const call = { method: 'POST' as const, headers, body: JSON.stringify({ payload: claims }) }
        const host = 'iamcredentials.googleapis.com'
        const { signedJwt } = await this.http.call<{ signedJwt?: string }>('sign', host, path, call)
        if (signedJwt) return signedJwt
        throw googleError('provider.unavailable', { detail: 'the signature held no assertion' })
      },
    }
  }
}

function keySigner({ id, privateKey }: GoogleKey): GoogleSigner {
  try {
    const key = signingKey(privateKey.reveal(), id)
    return { keyId: id, sign: (claims) => signAssertion(key, claims) }
  } catch {
    throw googleError('google.credential_invalid', { detail: 'the private key cannot be parsed' })
  }
}
