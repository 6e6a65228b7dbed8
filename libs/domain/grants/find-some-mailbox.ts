import { Injectable } from '@nestjs/common'
import type { Em } from '#platform/database/database.js'
import { Account } from './account.entity.js'

/** Some person's mailbox that was granted through a service account: whichever the index comes upon. */
@Injectable()
export class FindSomeMailbox {
  async find(em: Em, serviceAccountId: string): Promise<string | null> {
    return (await em.findOne(Account, { serviceAccountId, kind: 'person' }))?.email ?? null
  }
}
