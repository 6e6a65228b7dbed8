import type { FilterQuery } from '@mikro-orm/core'
import { Injectable } from '@nestjs/common'
import { CallbackHost } from '#domain/deliveries/callback-host.entity.js'
import { type Grant, ownServiceAccountOf } from '#domain/grants/grant.entity.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { insufficientScope, notFound } from '#platform/errors/api-error.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { olderThan, type Page, pageOf } from '#platform/paging/page.js'
import { NOT_A_CURSOR } from '#platform/paging/paging.dto.js'
import { deliveryOf } from './delegated-access.jobs.js'
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

/** Why a request is where it is. */
export interface Circumstances {
  lastAttempt: CallbackAttempt | null
  /** The host that it waits for, while that is spared. */
  heldBackBy: CallbackHost | null
}

/** Requests as their client sees them: those of the service account whose token asks, and no others. */
@Injectable()
export class FindRequests {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Newest first. @throws ValidationError for a cursor that is not ours */
  async list(grant: Grant, filter: RequestFilter): Promise<Page<DelegatedAccessRequest>> {
    const where: FilterQuery<DelegatedAccessRequest> = { ...ownedBy(grant) }
    if (filter.status) where.decision = filter.status
    // What is undecided is undelivered too, and those have the index.
    const callback = filter.callback ?? (filter.status === 'pending' ? 'waiting' : undefined)
    if (callback) where.callback = callback
    if (filter.email) where.email = canonicalAddress(filter.email) ?? filter.email
    if (filter.state !== undefined) where.state = filter.state
    if (filter.cursor) Object.assign(where, olderThan(readCursor(filter.cursor)))
    const found = await this.database.read((em) =>
      em.find(DelegatedAccessRequest, where, { orderBy: { createdAt: 'desc', id: 'desc' }, limit: filter.limit + 1 }),
    )
    return pageOf(found, filter.limit, cursorOf)
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

  /** Two questions for a whole page. */
  async circumstancesOf(requests: readonly DelegatedAccessRequest[]): Promise<Map<string, Circumstances>> {
    const newest = requests.filter(({ attempts }) => attempts > 0).map(({ id, attempts }) => [id, attempts] as const)
    const toTell = requests.filter(({ callback, decision }) => callback === 'waiting' && decision !== 'pending')
    const [attempts, hosts] = await this.database.read((em) =>
      Promise.all([
        newest.length === 0 ? [] : em.find(CallbackAttempt, newest.map(byNumber)),
        toTell.length === 0 ? [] : em.find(CallbackHost, toTell.map(hostOf).filter(isFirst)),
      ]),
    )
    const now = this.clock.now()
    const attemptOf = new Map(attempts.map((attempt) => [attempt.requestId, attempt]))
    const open = new Map(
      hosts.filter(({ openUntil }) => openUntil && openUntil > now).map((host) => [keyOf(host), host]),
    )
    const heldBack = new Map(toTell.map((request) => [request.id, open.get(keyOf(hostOf(request)))]))
    return new Map(
      requests.map(({ id }) => [id, { lastAttempt: attemptOf.get(id) ?? null, heldBackBy: heldBack.get(id) ?? null }]),
    )
  }

  attemptsOf(requestId: string): Promise<CallbackAttempt[]> {
    return this.database.read((em) => em.find(CallbackAttempt, { requestId }, { orderBy: { number: 'asc' } }))
  }
}

const byNumber = ([requestId, number]: readonly [string, number]) => ({ requestId, number })
const hostOf = (request: DelegatedAccessRequest) => {
  const { clientId, host } = deliveryOf(request)
  return { clientId, host }
}
const keyOf = ({ clientId, host }: { clientId: string; host: string }) => `${clientId} ${host}`
const isFirst = (one: ReturnType<typeof hostOf>, index: number, all: ReturnType<typeof hostOf>[]) =>
  all.findIndex((other) => keyOf(other) === keyOf(one)) === index

const REQUEST_ID = /^dar_[0-9a-f]+$/
/** As `toISOString` writes it, in years that PostgreSQL knows too. */
const TIME = /^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** @throws ApiError insufficient_scope for a mailbox's token */
function ownedBy(grant: Grant) {
  const serviceAccountId = ownServiceAccountOf(grant)
  if (!serviceAccountId) throw insufficientScope("This is a mailbox's token; use the service account's.")
  return { clientId: grant.clientId, serviceAccountId }
}

export const cursorOf = ({ createdAt, id }: DelegatedAccessRequest) =>
  Buffer.from(`${createdAt.toISOString()} ${id}`).toString('base64url')

/** @throws ValidationError for what is no cursor of ours */
export function readCursor(cursor: string): { createdAt: Date; id: string } {
  const [time = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split(' ')
  const createdAt = new Date(time)
  if (!TIME.test(time) || Number.isNaN(createdAt.getTime()) || !REQUEST_ID.test(id))
    throw invalidField('cursor', 'errors.invalid', NOT_A_CURSOR)
  return { createdAt, id }
}
