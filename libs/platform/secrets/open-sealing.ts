import type { SealingSettings } from '#platform/config/settings.js'
import { checkMasterKeys } from './check-master-keys.js'
import { DataKeys } from './data-keys.js'
import { loadMasterKeys, sourceOf } from './load-master-keys.js'
import { LocalMasterKeys, MasterKeys } from './master-keys.js'
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
  dataKeys: DataKeys
  close(): Promise<void>
}

/** @throws ConfigurationError when a master key is missing or wrong */
export async function openSealing(settings: SealingSettings, databaseUrl: Secret<string>): Promise<Sealing> {
  const keys = await loadMasterKeys(settings)
  const masterKeys = new LocalMasterKeys(keys)
  await checkMasterKeys(databaseUrl, masterKeys, sourceOf(settings))
  const dataKeys = new StoredDataKeys(databaseUrl, masterKeys, new CryptoRandom())
  const [sealer, signer] = [new Sealer(dataKeys), new Signer(keys)]
  return { sealer, signer, masterKeys, dataKeys, close: () => dataKeys.close() }
}

export const sealingProviders = ({ sealer, signer, masterKeys, dataKeys }: Sealing) => [
  { provide: Sealer, useValue: sealer },
  { provide: Signer, useValue: signer },
  { provide: MasterKeys, useValue: masterKeys },
  { provide: DataKeys, useValue: dataKeys },
]
