import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign, verify } from 'node:crypto'
import type { MasterKeyList } from './parse-master-keys.js'

/** An Ed25519 private key in PKCS #8 is these bytes and its seed (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * Signs for others to check: they need the public key and no secret of ours. One key pair per master key, derived for this
 * purpose alone. The text form is `v1.<key id>.<base64url of the signature>`.
 */
export class Signer {
  readonly #keys: ReadonlyMap<string, KeyObject>
  /** Of the key that signs now. */
  readonly keyId: string

  constructor(keys: MasterKeyList) {
    this.#keys = new Map(keys.map(({ id, key }) => [id, derived(key.reveal())]))
    this.keyId = keys[0].id
  }

  sign(text: string): string {
    const signature = sign(null, Buffer.from(text), this.#keys.get(this.keyId)!)
    return `v1.${this.keyId}.${signature.toString('base64url')}`
  }

  /** `unknown key`: it was made with a master key that is not configured any more, or not here. */
  check(text: string, signature: string): 'genuine' | 'forged' | 'unknown key' {
    const [version, keyId = '', encoded = ''] = signature.split('.')
    if (version !== 'v1') return 'forged'
    const key = this.#keys.get(keyId)
    if (!key) return 'unknown key'
    return verify(null, Buffer.from(text), createPublicKey(key), Buffer.from(encoded, 'base64url'))
      ? 'genuine'
      : 'forged'
  }

  isByNewestKey(signature: string): boolean {
    return signature.startsWith(`v1.${this.keyId}.`)
  }

  /** PEM, of the key that signs now. */
  publicKey(): string {
    return createPublicKey(this.#keys.get(this.keyId)!).export({ type: 'spki', format: 'pem' }) as string
  }
}

const derived = (master: Buffer) => {
  const seed = Buffer.from(hkdfSync('sha256', master, '', 'mandate:signing:v1', 32))
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
}
