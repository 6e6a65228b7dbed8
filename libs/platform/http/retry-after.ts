const LONGEST_SECONDS = 3600

/**
 * `Retry-After` in seconds, in either form of RFC 9110 section 10.2.3. Never more than an hour, so that one odd answer
 * cannot put work to sleep for a day; undefined when absent or unreadable.
 */
export function retryAfterSeconds(header: string | null | undefined, now: Date): number | undefined {
  const text = header?.trim()
  if (!text) return undefined
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - now.getTime()) / 1000)
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 1), LONGEST_SECONDS)
}
