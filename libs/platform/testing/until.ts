import { setTimeout as pause } from 'node:timers/promises'

type Answer<T> = Exclude<T, undefined | null | false | 0 | ''>

/**
 * Polls until `probe` answers something: not undefined, null, false, 0 or an empty text, which are all "not yet".
 * @param waitingFor completes the sentence "gave up waiting for …"
 * @throws with the last thing seen, so that a timeout explains itself
 */
export async function until<T>(
  waitingFor: string,
  probe: () => T | Promise<T>,
  { timeoutMs = 60_000, everyMs = 20 } = {},
): Promise<Answer<T>> {
  const deadline = Date.now() + timeoutMs
  let seen: unknown
  while (Date.now() < deadline) {
    try {
      const answer = await probe()
      if (answer) return answer as Answer<T>
      seen = answer
    } catch (error) {
      seen = error
    }
    await pause(everyMs)
  }
  throw new Error(`gave up waiting for ${waitingFor} after ${timeoutMs} ms; last seen: ${String(seen)}`)
}
