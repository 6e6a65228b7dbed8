import { randomBytes } from 'node:crypto'
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigurationError, type SealingSettings } from '#platform/config/settings.js'
import { type MasterKeyList, parseMasterKeys } from './parse-master-keys.js'

const KEY_FILE = 'sealing-key'

/** The configured master keys, or (standalone) the one in the data directory, which the first start creates. */
export async function loadMasterKeys(settings: SealingSettings): Promise<MasterKeyList> {
  if (settings.masterKeys) return settings.masterKeys
  const file = keyFileOf(settings)
  await mkdir(settings.dataDirectory, { recursive: true })
  try {
    // `wx`: two first starts at once must end with one key, so the loser reads the winner's.
    await writeFile(file, `local:${randomBytes(32).toString('base64')}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const { keys, problems } = parseMasterKeys(await readFile(file, 'utf8'))
  if (keys) return keys
  throw new ConfigurationError(problems.map((problem) => `${file} ${problem}`))
}

/** False: `loadMasterKeys` would make a new one. */
export async function hasMasterKeys(settings: SealingSettings): Promise<boolean> {
  if (settings.masterKeys) return true
  return access(keyFileOf(settings)).then(
    () => true,
    () => false,
  )
}

const keyFileOf = ({ dataDirectory }: SealingSettings) => join(dataDirectory, KEY_FILE)

/** Where the operator looks for the master keys that this process has. */
export const sourceOf = (settings: SealingSettings): string => settings.masterKeysFrom ?? keyFileOf(settings)
