import { Injectable } from '@nestjs/common'
import { ChainArrivals } from '#domain/audit/chain-arrivals.js'
import { FindReaders, type Reader } from '#domain/audit/find-readers.js'
import { after, days } from '#platform/clock/clock.js'

/** "Who could read this mailbox yesterday?" */
@Injectable()
export class ShowReaders {
  constructor(
    private readonly arrivals: ChainArrivals,
    private readonly readers: FindReaders,
  ) {}

  /** @param day its first moment, UTC */
  async show(mailbox: string, day: Date): Promise<{ readers: Reader[]; completeUntil: Date }> {
    const completeUntil = await this.arrivals.catchUp()
    const readers = await this.readers.find(mailbox.toLowerCase(), day, after(day, days(1)))
    return { readers, completeUntil }
  }
}
