import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common'
import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { Clock, hours } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { Sealer, type SealingPlace } from '#platform/secrets/sealer.js'
import type { SecretsError } from '#platform/secrets/secrets.errors.js'
import { recordAct } from './record-act.js'

/** One lost key makes thousands of values unreadable: the first tells as much as all of them. */
const ONCE_IN = hours(1)
const MOST_KEPT = 1_000

/**
 * A sealed value that does not open was altered or moved, or its key is gone: that is put on record, whoever wanted to
 * read it. In a transaction of its own, because whatever was under way ends with the refusal.
 */
@Injectable()
export class RecordUnreadableSecrets implements OnModuleInit, BeforeApplicationShutdown {
  readonly #recorded = new RecentlyUsed<true>(MOST_KEPT, { ttl: ONCE_IN })
  readonly #underWay = new Set<Promise<void>>()

  constructor(
    private readonly sealer: Sealer,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  onModuleInit() {
    this.sealer.onUnreadable((place, error) => {
      const what = `${place.table}.${place.column} ${place.client} ${error.code}`
      if (this.#recorded.has(what)) return
      this.#recorded.set(what, true)
      const recording = this.#record(place, error).finally(() => this.#underWay.delete(recording))
      this.#underWay.add(recording)
    })
  }

  async beforeApplicationShutdown() {
    await Promise.all(this.#underWay)
  }

  async #record({ table, column, row, client }: SealingPlace, { code }: SecretsError): Promise<void> {
    const act = {
      act: 'secret.not_opened',
      subject: row,
      reason: code,
      details: { column: `${table}.${column}` },
    } as const
    try {
      await this.database.inTransaction((tx) => recordAct(tx, { clientId: client, at: this.clock.now(), ...act }))
    } catch (error) {
      this.log.failure('audit.not_recorded', error)
    }
  }
}
