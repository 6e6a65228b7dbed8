import { ApiError } from '#platform/errors/api-error.js'
import type { BrokerError } from '#platform/errors/broker-error.js'

/** Where nobody has said how long to wait. */
export const RETRY_AFTER_SECONDS = 5

/** PostgreSQL's classes (08: connection, 53: resources, 57P: shutting down), or the socket's. */
const AWAY = /^(08|53|57P|ECONNREFUSED$|ECONNRESET$|EPIPE$|ETIMEDOUT$|EHOSTUNREACH$|ENOTFOUND$|EAI_AGAIN$)/
/** What `pg` says without a code, of a connection that breaks in the midst of a question or cannot be had in time. */
const BROKEN = /Connection terminated|connection error and is not queryable|timeout exceeded when trying to connect/

/** By a code, by the driver's name for it, or by its words. */
export function isStoreAway(thrown: unknown): boolean {
  const { code, name, message } = thrown as { code?: unknown; name?: unknown; message?: unknown }
  return name === 'ConnectionException' || AWAY.test(String(code)) || (!code && BROKEN.test(String(message)))
}

/** Seconds after which the same may succeed; undefined where waiting is no remedy. */
export function retryAfterOf(error: BrokerError): number | undefined {
  const asked = error instanceof ApiError ? error.retryAfter : undefined
  const later = typeof error.retry === 'object' ? error.retry.after : undefined
  return asked ?? later ?? (error.status === 429 ? RETRY_AFTER_SECONDS : undefined)
}
