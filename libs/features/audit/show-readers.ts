import { Injectable } from '@nestjs/common'
import { AuditArchives } from '#domain/audit/audit-archives.js'
import type { Month } from '#domain/audit/audit-months.js'
import { ChainArrivals } from '#domain/audit/chain-arrivals.js'
import { FindReaders, type Reader } from '#domain/audit/find-readers.js'
import { after, days } from '#platform/clock/clock.js'

export interface MailboxReaders {
  readers: Reader[]
  /** What was done before then has left for an archive; null when nothing has. */
  completeFrom: Month | null
  completeUntil: Date
}

/** "Who could read this mailbox yesterday?" */
@Injectable()
export class ShowReaders {
  constructor(
    private readonly arrivals: ChainArrivals,
    private readonly readers: FindReaders,
    private readonly archives: AuditArchives,
  ) {}

  /** @param day its first moment, UTC */
  async show(mailbox: string, day: Date): Promise<MailboxReaders> {
    const completeUntil = await this.arrivals.catchUp()
    const completeFrom = await this.archives.completeFrom()
    const readers = await this.readers.find(mailbox.toLowerCase(), day, after(day, days(1)), completeFrom)
    return { readers, completeFrom, completeUntil }
  }
}
