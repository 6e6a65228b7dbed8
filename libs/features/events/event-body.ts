import { explainReason } from '#domain/providers/error-meaning.js'
import type { ClaimedEvent } from './event-statements.js'

type Told = Pick<ClaimedEvent, 'type' | 'created_at' | 'service_account_id' | 'data'>

/** The shape that Standard Webhooks recommends. `timestamp` is when it happened, not when it is sent. */
export function eventBody({ type, created_at, service_account_id, data }: Told): string {
  const told = Object.entries(data).map(([name, value]) => [name, onTheWire[name]?.(value) ?? value])
  const timestamp = created_at.toISOString()
  return JSON.stringify({ type, timestamp, data: { service_account_id, ...Object.fromEntries(told) } })
}

/** As the database writes it, in whatever time zone its session has. */
const inUtc = (time: unknown) => new Date(String(time)).toISOString()

const onTheWire: Record<string, (value: unknown) => unknown> = {
  since: inUtc,
  expires_at: inUtc,
  reason: (key) => (typeof key === 'string' ? explainReason(key) : null),
}
