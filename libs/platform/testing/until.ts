import { setTimeout as pause } from 'node:timers/promises'

/**
 * Polls until `probe` answers something other than undefined, null or false, and returns that.
 * @param waitingFor completes the sentence "gave up waiting for …"
 * @throws with the last thing seen, so that a timeout explains itself
 */
export async function until<T>(
  waitingFor: string,
  probe: () => T | Promise<T>,
  { timeoutMs = 60_000, everyMs = 20 } = {},
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = Date.now() + timeoutMs
  let seen: unknown
  while (Date.now() < deadline) {
    try {
      const answer = await probe()
      if (answer !== undefined && answer !== null && answer !== false)
        return answer as Exclude<T, undefined | null | false>
      seen = answer
    } catch (error) {
      seen = error
    }
    await pause(everyMs)
  }
  throw new Error(`gave up waiting for ${waitingFor} after ${timeoutMs} ms; last seen: ${String(seen)}`)
}
