import type { AttributeValue } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { admitted, type LogFields } from './log-fields.js'

/** What a span of ours may say: some of what the log may, and nothing that is free text. */
const FIELDS = ['request', 'client', 'provider', 'route', 'status', 'code', 'decision', 'mailboxes', 'attempt'] as const
export type SpanFields = Pick<LogFields, (typeof FIELDS)[number]>

/** What BullMQ says of a job, by the field of the log that it has to fit. All else it says, such as options, stays here. */
const FIELD_OF: Record<string, keyof LogFields> = {
  ...Object.fromEntries(FIELDS.map((name) => [`mandate.${name}`, name])),
  'bullmq.queue.name': 'queue',
  'bullmq.queue.operation': 'name',
  'bullmq.job.id': 'id',
  'bullmq.job.attempts.made': 'attempts',
  'bullmq.job.bulk.count': 'rows',
}

/** BullMQ also traces how it looks for work, without end. */
const IS_ABOUT_JOBS = /^(process|add|addBulk) [a-z-]+$/

export const isWorthSending = ({ name, instrumentationScope }: ReadableSpan): boolean =>
  instrumentationScope.name !== 'bullmq' || IS_ABOUT_JOBS.test(name)

/**
 * A span without what was not meant to leave the process: exceptions with their messages, options with their
 * connections, and any value that does not look like what its field is for.
 */
export function cleaned(span: ReadableSpan): ReadableSpan {
  const attributes: Record<string, AttributeValue> = {}
  for (const [name, value] of Object.entries(span.attributes)) {
    const field = FIELD_OF[name]
    const said = field && admitted({ [field]: value })[field]
    if (said !== undefined && said !== null) attributes[name] = said as AttributeValue
  }
  const { name, kind, startTime, endTime, duration, ended, links, resource, instrumentationScope } = span
  return {
    ...{ name, kind, startTime, endTime, duration, ended, resource, instrumentationScope },
    ...(span.parentSpanContext && { parentSpanContext: span.parentSpanContext }),
    spanContext: () => span.spanContext(),
    status: { code: span.status.code },
    attributes,
    links: links.map(({ context }) => ({ context })),
    events: [],
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  }
}
