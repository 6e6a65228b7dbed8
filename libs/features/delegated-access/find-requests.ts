import type { FilterQuery } from '@mikro-orm/core'
import { Injectable } from '@nestjs/common'
import type { Grant } from '#domain/grants/grant.entity.js'
import { Database } from '#platform/database/database.js'
import { insufficientScope, notFound } from '#platform/errors/api-error.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { CallbackAttempt, DelegatedAccessRequest } from './delegated-access-request.entity.js'
import { canonicalAddress } from './mailbox-address.js'
import type { CallbackState, Decision } from './request-lifecycle.js'

export interface RequestFilter {
  status?: Decision
  callback?: CallbackState
  email?: string
  state?: string
  limit: number
  /** From the page before. */
  cursor?: string
}

export interface RequestPage {
  requests: DelegatedAccessRequest[]
  nextCursor: string | null
}

/** Requests as their client sees them: those of the service account whose token asks, and no others. */
@Injectable()
export class FindRequests {
  constructor(private readonly database: Database) {}

  /** Newest first. @throws ValidationError for a cursor that is not ours */
  async list(grant: Grant, filter: RequestFilter): Promise<RequestPage> {
    const where: FilterQuery<DelegatedAccessRequest> = { ...ownedBy(grant) }
    if (filter.status) where.decision = filter.status
    if (filter.callback) where.callback = filter.callback
    if (filter.email) where.email = canonicalAddress(filter.email) ?? filter.email
    if (filter.state !== undefined) where.state = filter.state
    if (filter.cursor) Object.assign(where, before(filter.cursor))
    const rows = await this.database.read((em) =>
      em.find(DelegatedAccessRequest, where, { orderBy: { createdAt: 'desc', id: 'desc' }, limit: filter.limit + 1 }),
    )
    const requests = rows.slice(0, filter.limit)
    return { requests, nextCursor: rows.length > filter.limit ? cursorOf(requests.at(-1)!) : null }
  }

  /** @throws ApiError not_found, for somebody else's as for nobody's */
  async get(grant: Grant, id: string): Promise<DelegatedAccessRequest> {
    const owned = ownedBy(grant)
    // PostgreSQL is not asked for what it would refuse to read: U+0000, for one.
    const request =
      REQUEST_ID.test(id) && (await this.database.read((em) => em.findOne(DelegatedAccessRequest, { id, ...owned })))
    if (!request) throw notFound('This delegated access request')
    return request
  }

  attemptsOf(requestId: string): Promise<CallbackAttempt[]> {
    return this.database.read((em) => em.find(CallbackAttempt, { requestId }, { orderBy: { number: 'asc' } }))
  }
}

const REQUEST_ID = /^dar_[0-9a-f]+$/
/** As `toISOString` writes it, in years that PostgreSQL knows too. */
const TIME = /^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** @throws ApiError insufficient_scope for a mailbox's token */
export function ownedBy(grant: Grant) {
  if (grant.accountId) throw insufficientScope("This is a mailbox's token; use the service account's.")
  return { clientId: grant.clientId, serviceAccountId: grant.serviceAccountId }
}

const cursorOf = ({ createdAt, id }: DelegatedAccessRequest) =>
  Buffer.from(`${createdAt.toISOString()} ${id}`).toString('base64url')

function before(cursor: string) {
  const [time = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split(' ')
  const createdAt = new Date(time)
  if (!TIME.test(time) || Number.isNaN(createdAt.getTime()) || !REQUEST_ID.test(id))
    throw invalidField('cursor', 'errors.invalid', 'must be the next_cursor of an earlier page')
  // Said twice, because only the first half bounds the index.
  return { createdAt: { $lte: createdAt }, $or: [{ createdAt: { $lt: createdAt } }, { createdAt, id: { $lt: id } }] }
}
