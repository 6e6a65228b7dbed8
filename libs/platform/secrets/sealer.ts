import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { SealingKey } from './sealing-keys.js'
import { Secret } from './secret.js'

/** Where a sealed value lives. It is authenticated with the value, so a ciphertext moved to another place does not open. */
export interface SealingPlace {
  table: string
  column: string
  row: string
  /** The client that owns the row; `operator` for the installation's own. */
  client: string
}

const CIPHER = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * AES-256-GCM with a fresh IV for every value. The text form is `v1.<key id>.<base64url of iv, tag, ciphertext>`, so a
 * reader knows which key opens it. Keys are derived per purpose: the master key itself encrypts nothing.
 */
export class Sealer {
  readonly #keys: ReadonlyMap<string, Buffer>
  readonly #sealingKeyId: string

  constructor(keys: readonly SealingKey[]) {
    const [first] = keys
    if (!first) throw new Error('at least one sealing key is required')
    this.#keys = new Map(keys.map(({ id, key }) => [id, derived(key.reveal())]))
    this.#sealingKeyId = first.id
  }

  seal(plaintext: Secret<string>, place: SealingPlace): string {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv(CIPHER, this.#keys.get(this.#sealingKeyId)!, iv)
    cipher.setAAD(associatedData(place))
    const ciphertext = Buffer.concat([cipher.update(plaintext.reveal(), 'utf8'), cipher.final()])
    return ['v1', this.#sealingKeyId, Buffer.concat([iv, cipher.getAuthTag(), ciphertext]).toString('base64url')].join(
      '.',
    )
  }

  /** @throws Error when the key is unknown, or the value was altered or belongs to another place. */
  open(sealed: string, place: SealingPlace): Secret<string> {
    const [version, keyId = '', encoded = ''] = sealed.split('.')
    const key = this.#keys.get(keyId)
    if (version !== 'v1' || !key)
      throw new Error(`no key opens ${place.table}.${place.column} (sealed with "${keyId}")`)
    const bytes = Buffer.from(encoded, 'base64url')
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES))
    decipher.setAAD(associatedData(place))
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    try {
      return new Secret(
        decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8'),
      )
    } catch {
      throw new Error(`${place.table}.${place.column} does not open: altered, or sealed for another row`)
    }
  }
}

const derived = (master: Buffer) => Buffer.from(hkdfSync('sha256', master, '', 'mandate:sealing:v1', 32))

const associatedData = ({ table, column, row, client }: SealingPlace) =>
  Buffer.from(JSON.stringify([table, column, row, client]))
