import { type AnswerOptions, answer, listed } from '#platform/cli/answer.js'
import type { PageOptions } from '#platform/cli/options.js'
import type { RunStep } from '#platform/cli/run-step.js'
import { readInput } from '#platform/http/read-input.js'
import { FindDeadLetters } from '../find-dead-letters.js'
import {
  deadLetterListDto,
  redeliverDto,
  scopeOf,
  toDeadLetterBody,
  toRedeliveryBody,
} from '../http/dead-letter.dto.js'
import { RedeliverDeadLetters, type Redelivery } from '../redeliver-dead-letters.js'

interface ScopeOptions extends AnswerOptions {
  serviceAccount?: string
  host?: string
}

export async function listRequests(run: RunStep, options: ScopeOptions & PageOptions) {
  const { serviceAccount: service_account_id, host, limit: most, cursor: start } = options
  const { limit, cursor, ...named } = readInput(deadLetterListDto, {
    service_account_id,
    host,
    limit: most,
    cursor: start,
  })
  const page = await run(FindDeadLetters, (step) => step.list({ ...scopeOf(named), limit, cursor }))
  const dead_letters = page.rows.map((request) => toDeadLetterBody(request, page.circumstances.get(request.id)))
  answer(options, { dead_letters, next_cursor: page.nextCursor }, () =>
    listed(
      ['REQUEST', 'SERVICE ACCOUNT', 'BECAUSE', 'ATTEMPTS', 'LAST', 'ENDED'],
      dead_letters.map((letter) => [
        letter.id,
        letter.service_account_id,
        letter.abandoned_because ?? '',
        String(letter.attempts),
        String(letter.last_attempt?.failure ?? letter.last_attempt?.status ?? ''),
        letter.ended_at ?? '',
      ]),
      page.nextCursor,
      'No request was abandoned.',
    ),
  )
}

/** Batch after batch, each a transaction of its own: what is done stays done when this is stopped. */
export async function redeliverRequests(run: RunStep, id: string | undefined, options: ScopeOptions) {
  const { serviceAccount: service_account_id, host } = options
  const { scope, of } = scopeOf(readInput(redeliverDto, { service_account_id, host, request_id: id }))
  const all = await run(RedeliverDeadLetters, async (step) => {
    let sum = await step.redeliverSome(scope, of!)
    while (!sum.done) {
      process.stderr.write(`${sum.redelivered} so far\n`)
      sum = added(sum, await step.redeliverSome(scope, of!, sum.abandonedBefore))
    }
    return sum
  })
  answer(options, toRedeliveryBody(all), () => [
    all.redelivered === 0
      ? 'There was nothing to redeliver: no such request is abandoned with something left to tell.'
      : `${all.redelivered} will be called back once more.`,
  ])
}

const added = (sum: Redelivery, next: Redelivery): Redelivery => ({
  ...next,
  redelivered: sum.redelivered + next.redelivered,
})
