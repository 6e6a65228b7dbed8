import type { KeyObject } from 'node:crypto'

/** Seals what belongs to one client. 32 random bytes, stored only wrapped by a master key. */
export interface DataKey {
  /** `dk_…`: every value names the data key that seals it. */
  id: string
  /** `operator` for the installation's own. */
  client: string
  key: KeyObject
}

export abstract class DataKeys {
  /** What seals this client's next value; made when there is none yet. */
  abstract active(client: string): Promise<DataKey>
  /** @throws SecretsError when it is gone, or its master key is not here */
  abstract get(id: string): Promise<DataKey>
  /** Looks again which data keys are active: some have been retired a moment ago. */
  abstract forgetActive(): void
}
