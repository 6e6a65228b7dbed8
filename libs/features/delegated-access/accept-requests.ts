import { Injectable } from '@nestjs/common'
import { originValues } from '#domain/audit/record-act.js'
import { mailboxKindsLeft, mailboxKindsOf } from '#domain/credentials/service-account-scopes.js'
import { type Grant, ownServiceAccountOf } from '#domain/grants/grant.entity.js'
import { after, Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { isUniqueViolation } from '#platform/database/statement.js'
import { conflict, insufficientScope, invalidToken } from '#platform/errors/api-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import { traced } from '#platform/observability/tracing.js'
import { Doorbell } from '#platform/queues/doorbell.js'
import { hashOf, newId, RandomSource } from '#platform/secrets/random.js'
import { ACCEPT_REQUESTS, FIND_ASKER } from './acceptance-statements.js'
import { type AskedAccess, CheckAskedAccess, type CheckedAccess } from './check-asked-access.js'
import { MINT_ACCESS } from './delegated-access.jobs.js'
import { DelegatedAccessRequest } from './delegated-access-request.entity.js'
import { SWEEP_AFTER } from './request-lifecycle.js'

/** What its client is told of a request that has been accepted, now or before. */
export type AcceptedRequest = Pick<DelegatedAccessRequest, 'id' | 'email' | 'state' | 'decision'>

export interface AskedBatch {
  items: AskedAccess[]
  idempotencyKey: string | null
  /** The name of an item on the wire, for error messages: `service_account_authorizations[3]`, or nothing for a single one. */
  nameOf: (index: number) => string
}

/** Step 1: one row per mailbox, all or nothing; then the bell. What has been accepted is never lost again. */
@Injectable()
export class AcceptRequests {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly check: CheckAskedAccess,
    private readonly doorbell: Doorbell,
    private readonly log: Log,
  ) {}

  /** @throws ValidationError naming item and field; ApiError insufficient_scope, invalid_token, conflict */
  accept(grant: Grant, batch: AskedBatch): Promise<AcceptedRequest[]> {
    const fields = { client: grant.clientId, mailboxes: batch.items.length }
    return traced('accept-requests', { fields }, () => this.#accept(grant, batch))
  }

  async #accept(grant: Grant, batch: AskedBatch): Promise<AcceptedRequest[]> {
    const checked = await this.#checkAll(grant, batch)
    failPoint('accept-requests.checked')
    const { rows, isRepeat } = await this.#insertOrFind(grant, checked, batch.idempotencyKey)
    failPoint('accept-requests.committed')
    if (!isRepeat)
      await this.doorbell.ring(
        MINT_ACCESS,
        rows.map(({ id }) => ({ requestId: id, clientId: grant.clientId })),
      )
    failPoint('accept-requests.rung')
    this.log.info('access.requested', {
      client: grant.clientId,
      serviceAccount: grant.serviceAccountId,
      mailboxes: rows.length,
      repeat: isRepeat,
    })
    return rows
  }

  async #checkAll(grant: Grant, batch: AskedBatch): Promise<CheckedAccess[]> {
    const serviceAccountId = ownServiceAccountOf(grant)
    if (!serviceAccountId) throw insufficientScope("This is a mailbox's token; use the service account's.")
    if (mailboxKindsOf(grant.scope).length === 0)
      throw insufficientScope(
        'The token holds neither service_account/accounts/manage nor service_account/resources/manage.',
      )
    const [asker] = await this.database.lookUp(FIND_ASKER, serviceAccountId)
    if (!asker) throw invalidToken()
    const kinds = mailboxKindsLeft(grant.scope, asker.scope)
    return this.check.check(batch.items, { asker, kinds, nameOf: batch.nameOf })
  }

  async #insertOrFind(grant: Grant, checked: CheckedAccess[], idempotencyKey: string | null) {
    const earlier = idempotencyKey && (await this.#findEarlier(grant, idempotencyKey, checked))
    if (earlier) return { rows: earlier, isRepeat: true }
    const rows = checked.map((item) => ({ ...item, id: newId(this.random, 'dar'), decision: 'pending' as const }))
    try {
      await this.#insert(grant, rows, idempotencyKey)
      return { rows, isRepeat: false }
    } catch (error) {
      // The same key at the same moment: the other call's rows are the answer to this one too.
      if (!isUniqueViolation(error) || !idempotencyKey) throw error
      const winners = await this.#findEarlier(grant, idempotencyKey, checked)
      if (!winners) throw error
      return { rows: winners, isRepeat: true }
    }
  }

  async #insert({ clientId, serviceAccountId }: Grant, rows: NewRequest[], idempotencyKey: string | null) {
    const now = this.clock.now()
    await this.database.run(ACCEPT_REQUESTS, [
      ...[rows.map(({ id }) => id), rows.map(fingerprintOf), rows.map(({ email }) => email)],
      ...[rows.map(({ callbackUrl }) => callbackUrl), rows.map(({ callbackHost }) => callbackHost)],
      ...[rows.map(({ scope }) => scope.join(' ')), rows.map(({ state }) => state)],
      ...[clientId, serviceAccountId, idempotencyKey, after(now, SWEEP_AFTER), now, ...originValues()],
    ])
  }

  async #findEarlier({ clientId, serviceAccountId }: Grant, idempotencyKey: string, checked: CheckedAccess[]) {
    const rows = await this.database.read((em) =>
      em.find(DelegatedAccessRequest, { clientId, serviceAccountId, idempotencyKey }),
    )
    if (rows.length === 0) return null
    const byEmail = new Map(rows.map((row) => [row.email, row]))
    const asked = checked.map((item) => ({ row: byEmail.get(item.email), fingerprint: fingerprintOf(item) }))
    if (rows.length !== checked.length || asked.some(({ row, fingerprint }) => row?.fingerprint !== fingerprint))
      throw conflict('This Idempotency-Key was used for another body. Use a new key for a new request.')
    return asked.map(({ row }) => row!)
  }
}

type NewRequest = CheckedAccess & AcceptedRequest

const fingerprintOf = ({ email, callbackUrl, scope, state }: CheckedAccess) =>
  hashOf(JSON.stringify([email, callbackUrl, scope, state]))
