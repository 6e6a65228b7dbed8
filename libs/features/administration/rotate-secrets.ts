import { Injectable } from '@nestjs/common'
import { OPERATOR_CHAIN } from '#domain/audit/audit-event.js'
import { ChainArrivals } from '#domain/audit/chain-arrivals.js'
import { CountSignatures } from '#domain/audit/count-signatures.js'
import { recordAct } from '#domain/audit/record-act.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import { MasterKeys } from '#platform/secrets/master-keys.js'
import { ResealValues } from '#platform/secrets/reseal-values.js'
import { RewrapDataKeys } from '#platform/secrets/rewrap-data-keys.js'

export interface Rotation {
  /** The first one: everything is under it when the rotation is finished. */
  masterKeyId: string
  retired: number
  rewrapped: number
  resealed: number
  deleted: number
  /** What does not open, and stays as it is. */
  unreadable: string[]
  finished: boolean
}

/**
 * Brings everything sealed under the first master key and off the retired data keys, while requests run. What is left to
 * do stands in the rows, so it may be killed, or left after any batch, and run again.
 */
@Injectable()
export class RotateSecrets {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly masterKeys: MasterKeys,
    private readonly rewrapDataKeys: RewrapDataKeys,
    private readonly resealValues: ResealValues,
    private readonly chains: ChainArrivals,
    private readonly signatures: CountSignatures,
    private readonly log: Log,
  ) {}

  /** Yields after every batch what has been done so far. @param newDataKeys retires every client's data key first */
  async *rotate({ newDataKeys }: { newDataKeys: boolean }): AsyncGenerator<Rotation> {
    const done: Rotation = {
      masterKeyId: this.masterKeys.first,
      retired: newDataKeys ? await this.resealValues.retireAll() : 0,
      rewrapped: 0,
      resealed: 0,
      deleted: 0,
      unreadable: [],
      finished: false,
    }
    try {
      for await (const { rewrapped, unreadable } of this.rewrapDataKeys.rewrap()) {
        done.rewrapped += rewrapped
        done.unreadable.push(...unreadable)
        yield done
      }
      for await (const { resealed, unreadable } of this.resealValues.reseal()) {
        done.resealed += resealed
        done.unreadable.push(...unreadable)
        yield done
      }
      await this.#signAnew()
      failPoint('rotate-secrets.signed')
      done.deleted = await this.resealValues.deleteUnused()
      done.finished = true
    } finally {
      await this.#record(done)
    }
    yield done
  }

  /** A chain that is broken keeps its old signature; it is not tried for ever. */
  async #signAnew(): Promise<void> {
    let before = Number.POSITIVE_INFINITY
    for (let left = await this.#signedByOthers(); left > 0 && left < before; left = await this.#signedByOthers()) {
      before = left
      await this.chains.renewSignatures()
    }
  }

  async #signedByOthers(): Promise<number> {
    const counts = await this.signatures.count()
    return [...counts].reduce((sum, [key, heads]) => (key === this.masterKeys.first ? sum : sum + heads), 0)
  }

  async #record({ masterKeyId, retired, rewrapped, resealed, deleted, unreadable, finished }: Rotation): Promise<void> {
    if (retired + rewrapped + resealed + deleted + unreadable.length === 0) return
    const counts = { retired, rewrapped, resealed, deleted, unreadable: unreadable.length, finished }
    const details = { master_key: masterKeyId, ...counts }
    await this.database.inTransaction((tx) =>
      recordAct(tx, { clientId: OPERATOR_CHAIN, at: this.clock.now(), act: 'secrets.rotated', details }),
    )
    this.log.info('secrets.rotated', { key: masterKeyId, ...counts })
  }
}
