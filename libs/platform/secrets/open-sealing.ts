import type { SealingSettings } from '#platform/config/settings.js'
import { checkMasterKeys } from './check-master-keys.js'
import { loadMasterKeys, sourceOf } from './load-master-keys.js'
import { LocalMasterKeys, type MasterKeys } from './master-keys.js'
import { CryptoRandom } from './random.js'
import { Sealer } from './sealer.js'
import type { Secret } from './secret.js'
import { Signer } from './signer.js'
import { StoredDataKeys } from './stored-data-keys.js'

/** What a process that touches secrets at rest holds open. */
export interface Sealing {
  sealer: Sealer
  signer: Signer
  masterKeys: MasterKeys
  close(): Promise<void>
}

/** @throws ConfigurationError when a master key is missing or wrong */
export async function openSealing(settings: SealingSettings, databaseUrl: Secret<string>): Promise<Sealing> {
  const keys = await loadMasterKeys(settings)
  const masterKeys = new LocalMasterKeys(keys)
  await checkMasterKeys(databaseUrl, masterKeys, sourceOf(settings))
  const dataKeys = new StoredDataKeys(databaseUrl, masterKeys, new CryptoRandom())
  return { sealer: new Sealer(dataKeys), signer: new Signer(keys), masterKeys, close: () => dataKeys.close() }
}
