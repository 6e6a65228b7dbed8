import { Injectable } from '@nestjs/common'
import { Database } from '#platform/database/database.js'
import type { AuditEvent } from './audit-event.js'
import { type AuditHead, HEAD_COLUMNS } from './audit-head.js'
import { EVENT_COLUMNS } from './canonical-form.js'

/** What is left out is not asked for. */
export interface EventFilter {
  clientIds?: string[]
  serviceAccountIds?: string[]
  mailbox?: string
  /** From then on … */
  from?: Date
  /** … and before then. */
  until?: Date
}

/** A place in all chains, one after the other. */
export interface EventPosition {
  clientId: string
  sequence: number
}

/** Reads chains, by client and in their order. Who wants what happened this second has arrivals chained first. */
@Injectable()
export class FindEvents {
  constructor(private readonly database: Database) {}

  find(filter: EventFilter, { after, limit }: { after?: EventPosition; limit: number }): Promise<AuditEvent[]> {
    const conditions: Condition[] = [
      ...listed('client_id', filter.clientIds),
      ...listed('service_account_id', filter.serviceAccountIds),
      ...(filter.mailbox ? [{ sql: 'mailbox = ?', values: [filter.mailbox] }] : []),
      ...(filter.from ? [{ sql: 'at >= ?', values: [filter.from] }] : []),
      ...(filter.until ? [{ sql: 'at < ?', values: [filter.until] }] : []),
      ...(after ? [{ sql: '(client_id, sequence) > (?, ?)', values: [after.clientId, after.sequence] }] : []),
    ]
    const where = conditions.length > 0 ? `where ${conditions.map(({ sql }) => sql).join(' and ')}` : ''
    return this.database.read((em) =>
      em.execute<AuditEvent[]>(
        `select ${EVENT_COLUMNS} from audit_events ${where} order by client_id, sequence limit ?`,
        [...conditions.flatMap(({ values }) => values), limit],
      ),
    )
  }

  /** As they are signed at this moment; of these clients, or of all. */
  heads(clientIds?: string[]): Promise<AuditHead[]> {
    const [condition] = listed('client_id', clientIds)
    return this.database.read((em) =>
      em.execute<AuditHead[]>(
        `select ${HEAD_COLUMNS} from audit_heads ${condition ? `where ${condition.sql}` : ''} order by client_id`,
        condition?.values,
      ),
    )
  }
}

interface Condition {
  sql: string
  values: unknown[]
}

const listed = (column: string, values: string[] | undefined): Condition[] => {
  if (!values) return []
  return [{ sql: values.length > 0 ? `${column} in (${values.map(() => '?').join(', ')})` : 'false', values }]
}
