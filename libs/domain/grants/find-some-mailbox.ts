import { Injectable } from '@nestjs/common'
import type { Em } from '#platform/database/database.js'
import { Account } from './account.entity.js'

interface Owner {
  id: string
  administratorEmail: string
}

/** Whether one of them has left or was suspended says nothing about the others. */
const SOME = 3

/** Mailboxes that were granted through a service account: whichever the index comes upon. */
@Injectable()
export class FindSomeMailbox {
  /** Some person's. */
  async find(em: Em, serviceAccountId: string): Promise<string | null> {
    return (await em.findOne(Account, { serviceAccountId, kind: 'person' }))?.email ?? null
  }

  /** A few of each kind, to try a credential on; the administrator's is a person's that has been opened at the consent. */
  async findToTry(em: Em, { id, administratorEmail }: Owner, kinds: readonly Account['kind'][]) {
    const few = async (kind: Account['kind']) => {
      if (!kinds.includes(kind)) return []
      return (await em.find(Account, { serviceAccountId: id, kind }, { limit: SOME })).map(({ email }) => email)
    }
    const person = await few('person')
    const room = await few('room')
    // Where only rooms are covered and none was granted, the administrator's calendar still shows the credential.
    const administrator = kinds.includes('person') || room.length === 0 ? [administratorEmail] : []
    return { person: [...new Set([...person, ...administrator])], room }
  }
}
