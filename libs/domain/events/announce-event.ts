/** Every event that a client can be told of, on the URL that it has registered. */
export const EVENTS = {
  'service_account.active': 'It works again. Requests that waited for it move on.',
  'service_account.degraded': 'It works in part, or the provider is not answering. Nothing has ended.',
  'service_account.failing': 'Nothing works until somebody mends it. Requests wait for it; nothing has ended.',
  'service_account.revoked': 'It has ended, with every grant under it.',
  'credential.expiring': 'The credential that the organisation gave expires in 30, 14, 7 or 1 days.',
  'account.requires_authentication':
    'The provider has ended what a person allowed. Nothing works until that person signs in again.',
  'account.active': 'It works again, although nobody has signed in.',
  'grant.ended': 'The provider no longer lets anybody act as this mailbox, so the grants for it have ended.',
} as const

export type EventType = keyof typeof EVENTS

interface Expressions {
  client_id: string
  at: string
  type: string
  service_account_id: string
  /** A JSON object. */
  data: string
}

/**
 * Announces what a statement does, in that statement: an `insert` to put into its `with`, one row for each of `source`, a
 * CTE or table. Every value is an SQL expression over it. A client that has registered no URL is told nothing. What is
 * announced is rung for by the sweep of features/events.
 */
export function announceEventsOf(
  source: string,
  { client_id, at, type, service_account_id, data }: Expressions,
): string {
  return `insert into client_events (id, client_id, type, service_account_id, data, delivery, ring_at, created_at)
    select 'evt_' || left(replace(gen_random_uuid()::text, '-', ''), 24), c.id, e.type, e.service_account_id, e.data,
      'waiting', e.at, e.at
    from (
      select ${client_id} as client_id, ${at}::timestamptz as at, ${type} as type,
        ${service_account_id} as service_account_id, ${data} as data
      from ${source}
    ) e
    join clients c on c.id = e.client_id and c.event_url is not null and c.disabled_at is null`
}
