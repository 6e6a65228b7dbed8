import { randomBytes } from 'node:crypto'
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SealingSettings } from '#platform/config/settings.js'
import { Secret } from './secret.js'

export interface SealingKey {
  id: string
  key: Secret<Buffer>
}

const KEY_BYTES = 32
const KEY_FILE = 'sealing-key'

/** Problems name the position of the key, never its material. */
export function parseSealingKeys(text: string): SealingKey[] {
  const ids = new Set<string>()
  return text.split(',').map((entry, index) => {
    const [, id, encoded] = /^([\w-]{1,32}):([A-Za-z0-9+/_-]+={0,2})$/.exec(entry.trim()) ?? []
    if (!id || !encoded) throw new Error(`MANDATE_ENCRYPTION_KEYS: key ${index + 1} must have the form id:base64`)
    if (ids.has(id)) throw new Error(`MANDATE_ENCRYPTION_KEYS: key ${index + 1} has the id of another one`)
    ids.add(id)
    const key = Buffer.from(encoded, 'base64')
    if (key.length !== KEY_BYTES)
      throw new Error(`MANDATE_ENCRYPTION_KEYS: key ${index + 1} has ${key.length} bytes and must have ${KEY_BYTES}`)
    return { id, key: new Secret(key) }
  })
}

/** The configured keys, or (standalone) the one in the data directory, which the first start creates. */
export async function loadSealingKeys(settings: SealingSettings): Promise<SealingKey[]> {
  if (settings.keys) return parseSealingKeys(settings.keys.reveal())
  const file = keyFileOf(settings)
  await mkdir(settings.dataDirectory, { recursive: true })
  try {
    // `wx`: two first starts at once must end with one key, so the loser reads the winner's.
    await writeFile(file, `local:${randomBytes(KEY_BYTES).toString('base64')}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return parseSealingKeys((await readFile(file, 'utf8')).trim())
}

/** False: `loadSealingKeys` would make a new one. */
export async function hasSealingKeys(settings: SealingSettings): Promise<boolean> {
  if (settings.keys) return true
  return access(keyFileOf(settings)).then(
    () => true,
    () => false,
  )
}

const keyFileOf = ({ dataDirectory }: SealingSettings) => join(dataDirectory, KEY_FILE)
