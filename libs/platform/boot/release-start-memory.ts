import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { seconds } from '#platform/clock/clock.js'

/** By then the first answers have been given. */
const AFTER = seconds(1)

/**
 * Loading three thousand modules lets V8 grow its space for young objects to a size that an idle process never shrinks
 * again: a third of what it holds. One collection gives that back; it takes about a tenth of a second, once.
 */
export async function releaseStartMemory(): Promise<void> {
  await pause(AFTER, undefined, { ref: false })
  setFlagsFromString('--expose-gc')
  const collect: (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void = runInNewContext('gc')
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  setFlagsFromString('--no-expose-gc')
}
