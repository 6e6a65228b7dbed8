import type { MasterKey } from './master-keys.js'
import { Secret } from './secret.js'

export type MasterKeyList = readonly [MasterKey, ...MasterKey[]]

const KEY_BYTES = 32
const FORM = 'must have the form id:base64, e.g. "k1:" followed by the output of `openssl rand -base64 32`'

/** `id:base64` entries, separated by commas or line ends; null when one has a problem. Problems name the position of a key, never its material. */
export function parseMasterKeys(text: string): { keys: MasterKeyList | null; problems: string[] } {
  const problems: string[] = []
  const keys = new Map<string, MasterKey>()
  const entries = text.split(/[,\n]/).filter((entry) => entry.trim() !== '')
  for (const [index, entry] of entries.entries()) {
    const problem = (what: string) => problems.push(`key ${index + 1} ${what}`)
    const [, id, encoded] = /^([\w-]{1,32}):([A-Za-z0-9+/_-]+={0,2})$/.exec(entry.trim()) ?? []
    if (!id || !encoded) {
      problem(FORM)
      continue
    }
    const key = Buffer.from(encoded, 'base64')
    if (key.length !== KEY_BYTES) problem(`has ${key.length} bytes and must have ${KEY_BYTES}`)
    if (keys.has(id)) problem('has the id of another one')
    keys.set(id, { id, key: new Secret(key) })
  }
  const [first, ...more] = keys.values()
  if (entries.length === 0) problems.push(`key 1 ${FORM}`)
  return { keys: first && problems.length === 0 ? [first, ...more] : null, problems }
}
