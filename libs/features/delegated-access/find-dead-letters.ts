import { Injectable } from '@nestjs/common'
import { Database } from '#platform/database/database.js'
import { type Page, pageOf } from '#platform/paging/page.js'
import { type DeadLetterScope, FIND_DEAD_LETTERS } from './dead-letter-statements.js'
import { DelegatedAccessRequest } from './delegated-access-request.entity.js'
import { type Circumstances, cursorOf, FindRequests, readCursor } from './find-requests.js'

export interface DeadLetterFilter {
  scope: DeadLetterScope
  /** What the scope names; null for all. */
  of: string | null
  limit: number
  cursor?: string
}

export interface DeadLetterPage extends Page<DelegatedAccessRequest> {
  circumstances: Map<string, Circumstances>
}

/** The operator's view of what was abandoned although there was something to tell, whoever's it is. */
@Injectable()
export class FindDeadLetters {
  constructor(
    private readonly database: Database,
    private readonly requests: FindRequests,
  ) {}

  /** Newest first. @throws ValidationError for a cursor that is not ours */
  async list({ scope, of, limit, cursor }: DeadLetterFilter): Promise<DeadLetterPage> {
    const before = cursor ? readCursor(cursor) : null
    const values = [of, before?.createdAt ?? null, before?.id ?? null, limit + 1]
    const found = await this.database.run(FIND_DEAD_LETTERS[scope], values)
    const requests = await this.database.read(async (em) => found.map((row) => em.map(DelegatedAccessRequest, row)))
    const page = pageOf(requests, limit, cursorOf)
    return { ...page, circumstances: await this.requests.circumstancesOf(page.rows) }
  }
}
