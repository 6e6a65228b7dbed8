import { Injectable } from '@nestjs/common'
import { CountSignatures } from '#domain/audit/count-signatures.js'
import { CountKeys } from '#platform/secrets/count-keys.js'
import { MasterKeys } from '#platform/secrets/master-keys.js'

export interface MasterKeyUse {
  id: string
  /** Whether this process has it; `first` wraps. */
  configured: 'first' | 'older' | 'missing'
  dataKeys: number
  values: number
  /** Heads of audit chains. */
  signatures: number
  /** Whether nothing needs it any more. */
  removable: boolean
}

export interface SecretsStatus {
  masterKeys: MasterKeyUse[]
  activeDataKeys: number
  retiredDataKeys: number
  valuesOfRetired: number
  /** Whether `rotate` has something to do. */
  pending: boolean
}

/** Which keys what is sealed hangs on. */
@Injectable()
export class ShowSecrets {
  constructor(
    private readonly masterKeys: MasterKeys,
    private readonly countKeys: CountKeys,
    private readonly countSignatures: CountSignatures,
  ) {}

  async show(): Promise<SecretsStatus> {
    const [counts, signatures] = await Promise.all([this.countKeys.count(), this.countSignatures.count()])
    const sum = (what: 'dataKeys' | 'values', which: (count: (typeof counts)[number]) => boolean) =>
      counts.filter(which).reduce((total, count) => total + count[what], 0)

    const ids = new Set([...this.masterKeys.ids, ...counts.map(({ masterKeyId }) => masterKeyId), ...signatures.keys()])
    const masterKeys = [...ids].map((id): MasterKeyUse => {
      const ofThis = ({ masterKeyId }: { masterKeyId: string }) => masterKeyId === id
      const use = {
        dataKeys: sum('dataKeys', ofThis),
        values: sum('values', ofThis),
        signatures: signatures.get(id) ?? 0,
      }
      const configured = this.#configured(id)
      return { id, configured, ...use, removable: configured !== 'first' && use.dataKeys + use.signatures === 0 }
    })
    const valuesOfRetired = sum('values', ({ retired }) => retired)
    return {
      masterKeys,
      activeDataKeys: sum('dataKeys', ({ retired }) => !retired),
      retiredDataKeys: sum('dataKeys', ({ retired }) => retired),
      valuesOfRetired,
      pending:
        valuesOfRetired > 0 || masterKeys.some(({ configured, removable }) => configured !== 'first' && !removable),
    }
  }

  #configured(id: string): MasterKeyUse['configured'] {
    if (id === this.masterKeys.first) return 'first'
    return this.masterKeys.ids.has(id) ? 'older' : 'missing'
  }
}
