import { Injectable } from '@nestjs/common'
import type { AuditedAct } from '#domain/audit/audit-event.js'
import { recordAct } from '#domain/audit/record-act.js'
import type { Account } from '#domain/grants/account.entity.js'
import type { Grant } from '#domain/grants/grant.entity.js'
import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { Clock, hours } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'

/** More grants than one process reads for in an hour; a forgotten one is put on record once more. */
const MOST_KEPT = 100_000

/**
 * Puts on record that a mailbox is used. Reads: the first under its grant in each hour, in each process, because a client may
 * read a calendar a thousand times an hour, and who did and when, to the hour, is what the mailbox's owner can ask for. What
 * changes something: each call, before it is sent, because nobody can take it back when the record fails.
 */
@Injectable()
export class RecordUse {
  readonly #recorded = new RecentlyUsed<Promise<void>>(MOST_KEPT, { ttl: hours(1) })

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @param shape what kind of change it is; whether it came about, the log says by the same request */
  change(grant: Grant, account: Pick<Account, 'email'>, shape: string): Promise<void> {
    return this.#write(grant, account, { act: 'mailbox.changed', at: this.clock.now(), details: { shape } })
  }

  /** Nothing is handed out before this is done. Reads at the same moment wait for the one record. */
  read(grant: Grant, account: Pick<Account, 'email'>): Promise<void> {
    const now = this.clock.now()
    const key = `${grant.id} ${Math.floor(now.getTime() / hours(1))}`
    const known = this.#recorded.get(key)
    if (known) return known
    const recording = this.#write(grant, account, { act: 'mailbox.read', at: now })
    this.#recorded.set(key, recording)
    recording.catch(() => this.#recorded.delete(key))
    return recording
  }

  #write(
    { id: subject, clientId, serviceAccountId }: Grant,
    { email: mailbox }: Pick<Account, 'email'>,
    act: Pick<AuditedAct, 'act' | 'at' | 'details'>,
  ): Promise<void> {
    return this.database.inTransaction((tx) => recordAct(tx, { clientId, serviceAccountId, mailbox, subject, ...act }))
  }
}
