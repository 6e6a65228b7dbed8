import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { CryptoRandom } from './random.js'

const CIPHER = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16
/** Not injected, as other randomness is: an IV that came twice under one key would open both values. */
const random = new CryptoRandom()

/** What is authenticated with a value and not stored with it: names, in an order that the caller fixes. */
export type Binding = readonly string[]

/**
 * AES-256-GCM with a fresh 96-bit IV: the IV, the tag and the ciphertext, one after the other. Node turns a key that is
 * bytes into an object for each use, which costs three times as much as the use.
 */
export function encrypt(key: KeyObject, plaintext: Buffer, binding: Binding): Buffer {
  const iv = random.bytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES })
  cipher.setAAD(bytesOf(binding))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), ciphertext])
}

/** Null when a bit was changed, or the key or the binding is another. */
export function decrypt(key: KeyObject, encrypted: Buffer, binding: Binding): Buffer | null {
  try {
    const decipher = createDecipheriv(CIPHER, key, encrypted.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
    decipher.setAAD(bytesOf(binding))
    decipher.setAuthTag(encrypted.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    return Buffer.concat([decipher.update(encrypted.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
  } catch {
    return null
  }
}

/** JSON, because its quotes keep ["ab", "c"] and ["a", "bc"] apart. */
const bytesOf = (binding: Binding) => Buffer.from(JSON.stringify(binding))
