import type { EgressAnswer } from '#platform/egress/answer-reader.js'
import { EgressError } from '#platform/errors/egress-error.js'
import type { AbandonedBecause } from './delivery-lifecycle.js'

/** What an answer to a callback, or its absence, means. */
export interface Verdict {
  /** `heard`: delivered. `refused`: no further attempt would end otherwise. `unheard`: the schedule goes on. */
  receiver: 'heard' | 'refused' | 'unheard'
  because: AbandonedBecause | null
  /** Whether the host as a whole is at work; null where the attempt did not get so far as to tell. */
  host: 'answers' | 'fails' | null
}

/** Only 2xx is success. A redirect is a failure like any other, and is not followed (Standard Webhooks). */
export function judgeAnswer(answer: EgressAnswer | EgressError): Verdict {
  if (answer instanceof EgressError) {
    if (answer.retry === 'never') return { receiver: 'refused', because: 'url_refused', host: null }
    const isOurs = answer.code === 'egress.not_sent'
    return { receiver: 'unheard', because: 'schedule_used_up', host: isOurs ? null : 'fails' }
  }
  const { status } = answer
  if (status >= 200 && status < 300) return { receiver: 'heard', because: null, host: 'answers' }
  if (status === 410) return { receiver: 'refused', because: 'gone', host: 'answers' }
  return {
    receiver: 'unheard',
    because: 'schedule_used_up',
    host: status === 429 || status >= 500 ? 'fails' : 'answers',
  }
}
