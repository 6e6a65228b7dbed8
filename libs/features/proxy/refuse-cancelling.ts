import { text } from 'node:stream/consumers'
import { insufficientScope } from '#platform/errors/api-error.js'
import { notAdmitted } from './proxy.errors.js'

/** What an event may be said to be by who may not delete it; Google takes `cancelled` for a deletion. */
const STANDING: readonly unknown[] = ['confirmed', 'tentative']

/**
 * The body, read to its end and written anew: so Google cannot find another status in it than we did, in a second one, behind
 * escapes, or by taking for JSON what is none.
 */
export async function* refuseCancelling(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const event = parsed(await text(body))
  if (Object.hasOwn(event, 'status') && !STANDING.includes(event.status))
    throw insufficientScope(
      `An event is cancelled by whoever may delete it: without the scope delete_event, status is ${STANDING.join(' or ')}.`,
      'delete_event',
    )
  yield Buffer.from(JSON.stringify(event))
}

function parsed(json: string): { status?: unknown } {
  try {
    return Object(JSON.parse(json))
  } catch {
    throw notAdmitted('a body that is no JSON', 'The body is no JSON.')
  }
}
