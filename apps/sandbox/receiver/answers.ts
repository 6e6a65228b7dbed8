import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { answerSchema } from '../core/answer.js'
import type { NamedErrors } from '../core/fault-rules.js'
import { type Mutation, mutation } from '../core/mutation.js'
import type { StandIn } from '../core/stand-in.js'

const EVERYWHERE = '/*'

/** What callback receivers do to whoever calls them, by name for fault rules. */
export const RECEIVER_ERRORS: NamedErrors = {
  gone: { path: EVERYWHERE, status: 410, text: 'gone' },
  unavailable: { path: EVERYWHERE, status: 503, text: 'unavailable' },
  'unavailable/retry_after': { path: EVERYWHERE, status: 503, text: 'unavailable', headers: { 'retry-after': '2' } },
  throttled: { path: EVERYWHERE, status: 429, text: 'slow down', headers: { 'retry-after': '2' } },
  redirect: { path: EVERYWHERE, status: 302, headers: { location: '/elsewhere' } },
}

const statusAlone = z
  .int()
  .min(200)
  .max(599)
  .transform((status) => ({ answer: { status } }))

const turn = z.union([
  statusAlone,
  z.strictObject({ answer: answerSchema, delayMs: z.int().positive().optional() }),
  z.strictObject({ hang: z.literal(true) }),
  z.strictObject({ reset: z.literal(true) }),
])

/** Script for several deliveries to come; every other behaviour is a fault rule, as at the providers. */
export const answerInTurn = (standIn: () => StandIn): Mutation =>
  mutation(
    'answer-in-turn',
    'Answers the next deliveries so, each once, then 200 again: {"answers": [503, {"reset": true}, 200]}.',
    z.strictObject({
      path: z.string().startsWith('/').default(EVERYWHERE).describe('with *; without the query'),
      contains: z.string().min(1).optional().describe('in URL or body, any case'),
      answers: z.array(turn).min(1).max(1_000),
    }),
    ({ path, contains, answers }) => {
      for (const one of answers) standIn().faults.add({ path, contains, times: 1, ...one })
    },
  )

/** An answer with this header has its body sent byte by byte, so many milliseconds apart. The header itself stays here. */
export const DRIP_HEADER = 'x-sandbox-drip-ms'

export async function* dripping(body: string, everyMs: number): AsyncGenerator<Buffer> {
  for (const byte of Buffer.from(body)) {
    yield Buffer.from([byte])
    await pause(everyMs)
  }
}
