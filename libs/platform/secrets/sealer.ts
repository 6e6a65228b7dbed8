import type { SealedColumn } from '#platform/database/sealed-columns.js'
import { type Binding, decrypt, encrypt } from './aes-gcm.js'
import type { DataKeys } from './data-keys.js'
import { Secret } from './secret.js'
import { SecretsError } from './secrets.errors.js'

/** Where a sealed value lives. It is authenticated with the value, so a ciphertext moved to another place does not open. */
export type SealingPlace = SealedColumn & {
  row: string
  /** The client that owns the row; `operator` for the installation's own. */
  client: string
}

type UnreadableListener = (place: SealingPlace, error: SecretsError) => void

const VERSION = 'v1'

/**
 * Seals values with their client's data key (AES-256-GCM). The text form is
 * `v1.<data key id>.<base64url of iv, tag, ciphertext>`, so a reader knows which key opens it.
 */
export class Sealer {
  #tell: UnreadableListener = () => {}

  constructor(private readonly dataKeys: DataKeys) {}

  /** One listener is told of every value that does not open. */
  onUnreadable(tell: UnreadableListener): void {
    this.#tell = tell
  }

  async seal(plaintext: Secret<string>, place: SealingPlace): Promise<string> {
    const { id, key } = await this.dataKeys.active(place.client)
    const encrypted = encrypt(key, Buffer.from(plaintext.reveal(), 'utf8'), bindingOf(place))
    return [VERSION, id, encrypted.toString('base64url')].join('.')
  }

  /** @throws SecretsError when its key is not here, or the value was altered or belongs to another place */
  async open(sealed: string, place: SealingPlace): Promise<Secret<string>> {
    try {
      return await this.#open(sealed, place)
    } catch (error) {
      if (error instanceof SecretsError) this.#tell(place, error)
      throw error
    }
  }

  async #open(sealed: string, place: SealingPlace): Promise<Secret<string>> {
    const [version, keyId = '', encoded = ''] = sealed.split('.')
    if (version !== VERSION) throw doesNotOpen(place)
    const { key } = await this.dataKeys.get(keyId)
    const plaintext = decrypt(key, Buffer.from(encoded, 'base64url'), bindingOf(place))
    if (!plaintext) throw doesNotOpen(place)
    return new Secret(plaintext.toString('utf8'))
  }
}

const bindingOf = ({ table, column, row, client }: SealingPlace): Binding => [table, column, row, client]

const doesNotOpen = ({ table, column, row }: SealingPlace) =>
  new SecretsError('secrets.value_altered', `${table}.${column} of ${row} was altered, or was sealed for another place`)
