import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { type Binding, decrypt, encrypt } from './aes-gcm.js'
import { Secret } from './secret.js'
import { SecretsError } from './secrets.errors.js'

export interface WrappedKey {
  /** The master key that wrapped it. */
  masterKeyId: string
  /** As the master key's keeper returned it; text, because it is stored. */
  text: string
}

/** The port to whatever keeps the master keys: this process, or a KMS. How to write another one is in ADR 0010. */
export abstract class MasterKeys {
  /** The id of the one that wraps. */
  abstract readonly first: string
  /** All that can unwrap, the first one included. */
  abstract readonly ids: ReadonlySet<string>
  /** @param binding must be the same to unwrap it: a wrapped key that was moved to another row does not open */
  abstract wrap(key: Secret<Buffer>, binding: Binding): Promise<WrappedKey>
  /** @throws SecretsError `secrets.master_key_missing`, `secrets.master_key_wrong` */
  abstract unwrap(wrapped: WrappedKey, binding: Binding): Promise<Secret<Buffer>>
}

export interface MasterKey {
  id: string
  key: Secret<Buffer>
}

/** Master keys that the process itself was given. They encrypt nothing themselves: what wraps is derived for that purpose. */
export class LocalMasterKeys extends MasterKeys {
  readonly first: string
  readonly ids: ReadonlySet<string>
  readonly #wrapping: ReadonlyMap<string, KeyObject>

  constructor(keys: readonly [MasterKey, ...MasterKey[]]) {
    super()
    this.first = keys[0].id
    this.#wrapping = new Map(keys.map(({ id, key }) => [id, derived(key.reveal())]))
    this.ids = new Set(this.#wrapping.keys())
  }

  async wrap(key: Secret<Buffer>, binding: Binding): Promise<WrappedKey> {
    const encrypted = encrypt(this.#wrapping.get(this.first)!, key.reveal(), binding)
    return { masterKeyId: this.first, text: encrypted.toString('base64url') }
  }

  async unwrap({ masterKeyId, text }: WrappedKey, binding: Binding): Promise<Secret<Buffer>> {
    const wrapping = this.#wrapping.get(masterKeyId)
    if (!wrapping) throw new SecretsError('secrets.master_key_missing', `there is no master key "${masterKeyId}"`)
    const key = decrypt(wrapping, Buffer.from(text, 'base64url'), binding)
    if (!key)
      throw new SecretsError('secrets.master_key_wrong', `"${masterKeyId}" does not unwrap ${binding.join(' ')}`)
    return new Secret(key)
  }
}

const derived = (master: Buffer) =>
  createSecretKey(Buffer.from(hkdfSync('sha256', master, '', 'mandate:wrapping:v1', 32)))
