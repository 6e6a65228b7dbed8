import { Injectable } from '@nestjs/common'
import { LRUCache } from 'lru-cache'
import { recordAct } from '#domain/audit/record-act.js'
import type { Account } from '#domain/grants/account.entity.js'
import type { Grant } from '#domain/grants/grant.entity.js'
import { Clock, hours } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'

/** More grants than one process reads for in an hour; a forgotten one is put on record once more. */
const MOST_KEPT = 100_000

/**
 * Puts on record that a mailbox is read: the first read under its grant in each hour, in each process. A client may read a
 * calendar a thousand times an hour; who did and when, to the hour, is what the mailbox's owner can ask for.
 */
@Injectable()
export class RecordRead {
  readonly #recorded = new LRUCache<string, Promise<void>>({ max: MOST_KEPT, ttl: hours(1) })

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Nothing is handed out before this is done. Reads at the same moment wait for the one record. */
  record(grant: Grant, account: Pick<Account, 'email'>): Promise<void> {
    const now = this.clock.now()
    const key = `${grant.id} ${Math.floor(now.getTime() / hours(1))}`
    const recorded = this.#recorded.get(key) ?? this.#write(grant, account, now)
    this.#recorded.set(key, recorded)
    recorded.catch(() => this.#recorded.delete(key))
    return recorded
  }

  #write(
    { id: subject, clientId, serviceAccountId }: Grant,
    { email: mailbox }: Pick<Account, 'email'>,
    at: Date,
  ): Promise<void> {
    const act = { clientId, at, act: 'mailbox.read', serviceAccountId, mailbox, subject } as const
    return this.database.inTransaction((tx) => recordAct(tx, act))
  }
}
