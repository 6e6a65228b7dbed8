import { createSecretKey, randomBytes } from 'node:crypto'
import type { DataKey, DataKeys } from '#platform/secrets/data-keys.js'
import { Sealer } from '#platform/secrets/sealer.js'

/** One data key for each client, in memory: for tests whose subject is not how data keys are kept. */
export function sealerForTests(): Sealer {
  const keys = new Map<string, DataKey>()
  const dataKeys: DataKeys = {
    active: async (client) => {
      const id = `dk_${client}`
      const key = keys.get(id) ?? { id, client, key: createSecretKey(randomBytes(32)) }
      keys.set(id, key)
      return key
    },
    get: async (id) => keys.get(id)!,
    forgetActive: () => {},
  }
  return new Sealer(dataKeys)
}
