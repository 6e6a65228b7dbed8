import { type AnswerOptions, answer, listed } from '#platform/cli/answer.js'
import type { PageOptions } from '#platform/cli/options.js'
import type { RunStep } from '#platform/cli/run-step.js'
import { readInput } from '#platform/http/read-input.js'
import { eventListDto, eventUrlDto, redeliverEventsDto, toEventPageBody, toEventUrlBody } from '../event.dto.js'
import { ListEvents } from '../list-events.js'
import { RedeliverEvents } from '../redeliver-events.js'
import { SetEventUrl } from '../set-event-url.js'

interface ListOptions extends PageOptions {
  client?: string
  delivery?: string
}

export async function setUrl(run: RunStep, id: string, url: string | undefined, options: AnswerOptions) {
  const { event_url } = readInput(eventUrlDto, { event_url: url ?? null })
  const body = toEventUrlBody(await run(SetEventUrl, (step) => step.set(id, event_url)))
  answer(options, body, () => [
    body.event_url
      ? `${body.client_id} is told of changes at ${body.event_url}.`
      : `${body.client_id} is told nothing.`,
  ])
}

export async function listEvents(run: RunStep, { json, ...page }: ListOptions) {
  const wanted = readInput(eventListDto, page)
  const body = toEventPageBody(await run(ListEvents, (step) => step.list(wanted)))
  answer({ json }, body, () =>
    listed(
      ['EVENT', 'CLIENT', 'TYPE', 'DELIVERY', 'ATTEMPTS', 'LAST', 'CREATED'],
      body.events.map((event) => [
        event.id,
        event.client_id,
        event.type,
        event.delivery,
        String(event.attempts),
        String(event.last_failure ?? event.last_status ?? ''),
        event.created_at,
      ]),
      body.next_cursor,
    ),
  )
}

/** Batch after batch, each a transaction of its own: what is done stays done when this is stopped. */
export async function redeliverEvents(
  run: RunStep,
  event: string | undefined,
  { client, ...options }: AnswerOptions & { client?: string },
) {
  const named = readInput(redeliverEventsDto, { client, event })
  const { redelivered } = await run(RedeliverEvents, async (step) => {
    let sum = await step.redeliverSome(named)
    while (!sum.done) {
      const next = await step.redeliverSome(named, sum.abandonedBefore)
      sum = { ...next, redelivered: sum.redelivered + next.redelivered }
    }
    return sum
  })
  answer(options, { redelivered }, () => [
    redelivered === 0 ? 'There was nothing to redeliver.' : `${redelivered} will be told once more.`,
  ])
}
