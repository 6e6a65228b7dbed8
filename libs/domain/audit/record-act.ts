import type { Tx } from '#platform/database/database.js'
import { currentOrigin } from '#platform/observability/origin.js'
import type { AuditedAct } from './audit-event.js'

export const ACT_COLUMNS = [
  'client_id',
  'at',
  'act',
  'actor',
  'address',
  'request_id',
  'service_account_id',
  'mailbox',
  'subject',
  'reason',
  'details',
] as const
type ActColumn = (typeof ACT_COLUMNS)[number]

const RECORD = `insert into audit_arrivals (${ACT_COLUMNS.join(', ')}) values (${ACT_COLUMNS.map(() => '?').join(', ')})`

/** Puts an act on record, in the transaction of the act: both happen, or neither. */
export async function recordAct(tx: Tx, act: AuditedAct): Promise<void> {
  const { actor, address, requestId } = currentOrigin()
  await tx.execute(RECORD, [
    ...[act.clientId, act.at, act.act, act.actor ?? actor, address, requestId],
    ...[act.serviceAccountId ?? null, act.mailbox ?? null, act.subject ?? null, act.reason ?? null],
    act.details ? JSON.stringify(act.details) : null,
  ])
}

type Expressions = Partial<Record<ActColumn, string>> & Pick<Record<ActColumn, string>, 'client_id' | 'at' | 'act'>

/**
 * The same for a written-out statement: an `insert` to put into its `with`, one row for each of `source`, a CTE or table.
 * Every column is an SQL expression over it; what is left out is null, and the actor then is `mandate`.
 */
export function recordActsOf(source: string, expressions: Expressions): string {
  const values = { actor: `'mandate'`, ...expressions }
  const columns = ACT_COLUMNS.filter((column) => values[column] !== undefined)
  return `insert into audit_arrivals (${columns.join(', ')})
    select ${columns.map((column) => values[column]).join(', ')} from ${source}`
}

/** Values for `actor`, `address` and `request_id` in such a statement, where a caller is at work. */
export function originValues(): [actor: string, address: string | null, requestId: string | null] {
  const { actor, address, requestId } = currentOrigin()
  return [actor, address, requestId]
}
