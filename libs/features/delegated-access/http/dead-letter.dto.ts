import { z } from 'zod'
import { requiredText, text } from '#platform/http/read-input.js'
import { limitDto } from '#platform/paging/paging.dto.js'
import type { DeadLetterScope } from '../dead-letter-statements.js'
import type { DelegatedAccessRequest } from '../delegated-access-request.entity.js'
import type { Circumstances } from '../find-requests.js'
import type { Backlog } from '../measure-backlog.js'
import type { Redelivery } from '../redeliver-dead-letters.js'
import { toBody, toHostBody } from './access-request.dto.js'

/** As a callback URL's host is kept, however it is written: `App.Acme.test:443` is `app.acme.test`. */
const host = requiredText(300).transform((text, context) => {
  const url = /[/?#@\\\s]/.test(text) ? null : URL.parse(`https://${text}`)
  if (url) return url.host
  context.addIssue({
    code: 'custom',
    message: 'must be a host such as app.acme.test, with a port where the URL has one',
  })
  return z.NEVER
})

const names = { service_account_id: requiredText(200).optional(), host: host.optional() }

export const deadLetterListDto = z
  .strictObject({ ...names, limit: limitDto(), cursor: text(200).optional() })
  .refine(namesAtMostOne, { path: ['host'], error: 'name a service account or a host, not both' })

export const redeliverDto = z
  .strictObject({ ...names, request_id: requiredText(200).optional(), abandoned_before: z.iso.datetime().optional() })
  .refine((input) => namesAtMostOne(input) && scopeOf(input).scope !== 'all', {
    path: ['service_account_id'],
    error: 'name one of service_account_id, host and request_id',
  })

interface Named {
  service_account_id?: string | undefined
  host?: string | undefined
  request_id?: string | undefined
}

function namesAtMostOne({ service_account_id, host, request_id }: Named): boolean {
  return [service_account_id, host, request_id].filter((name) => name !== undefined).length <= 1
}

export function scopeOf({ service_account_id, host, request_id }: Named): {
  scope: DeadLetterScope
  of: string | null
} {
  if (service_account_id) return { scope: 'service_account', of: service_account_id }
  if (host) return { scope: 'host', of: host }
  return request_id ? { scope: 'request', of: request_id } : { scope: 'all', of: null }
}

export const toDeadLetterBody = (request: DelegatedAccessRequest, circumstances?: Circumstances) => ({
  client_id: request.clientId,
  service_account_id: request.serviceAccountId,
  ...toBody(request, circumstances),
})

export const toRedeliveryBody = ({ redelivered, abandonedBefore, done }: Redelivery) => ({
  redelivered,
  abandoned_before: abandonedBefore.toISOString(),
  done,
})

export const toBacklogBody = (backlog: Backlog) => ({
  undecided: backlog.undecided,
  undelivered: backlog.undelivered,
  oldest_undelivered_seconds: backlog.oldestUndeliveredSeconds,
  untold_events: backlog.untoldEvents,
  oldest_untold_event_seconds: backlog.oldestUntoldEventSeconds,
  overdue_seconds: backlog.overdueSeconds,
  failing_hosts: backlog.failingHosts.map((host) => ({ client_id: host.clientId, ...toHostBody(host) })),
})
