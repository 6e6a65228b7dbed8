import {
  type Attributes,
  context,
  type Link,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { BrokerError } from '#platform/errors/broker-error.js'
import type { SpanFields } from './span-fields.js'

/** Null: nobody has asked for traces, and none of this does anything. */
let tracer: Tracer | null = null

/** Ambient like the origin: nothing is ever decided by it. */
export const traceWith = (given: Tracer | null) => {
  tracer = given
}

export const isTracing = () => tracer !== null

export interface TracedWork {
  kind?: 'client' | 'server'
  fields?: SpanFields
}

/** Work that shows up in the trace of whoever asked for it. Without traces it is the work alone. */
export function traced<T>(name: string, { kind, fields = {} }: TracedWork, work: () => Promise<T>): Promise<T> {
  if (!tracer) return work()
  return tracer.startActiveSpan(name, { kind: KINDS[kind ?? 'internal'], attributes: attributesOf(fields) }, (span) =>
    ended(span, work()),
  )
}

const KINDS = { client: SpanKind.CLIENT, server: SpanKind.SERVER, internal: SpanKind.INTERNAL }

async function ended<T>(span: Span, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    // Its message may hold anything; the log has what may be said of it.
    span.setStatus({ code: SpanStatusCode.ERROR })
    if (error instanceof BrokerError) span.setAttribute('mandate.code', error.code)
    throw error
  } finally {
    span.end()
  }
}

/** What has come out meanwhile about the work under way. */
export function note(fields: SpanFields): void {
  if (tracer) trace.getActiveSpan()?.setAttributes(attributesOf(fields))
}

/** One request of a caller, from its arrival to its answer. */
export interface TracedRequest {
  /** What is done for it belongs to it. */
  within<T>(work: () => T): T
  answered(status: number): void
}

/**
 * Null without traces. What the caller says of its own trace becomes a link and not the parent: strangers choose neither
 * our trace ids nor what is sampled.
 */
export function traceRequest(name: string, route: string, headers: object): TracedRequest | null {
  if (!tracer) return null
  const theirs = trace.getSpanContext(propagation.extract(context.active(), headers))
  const links: Link[] = theirs ? [{ context: theirs }] : []
  const root = context.active()
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER, root: true, links, attributes: attributesOf({ route }) })
  return {
    within: (work) => context.with(trace.setSpan(root, span), work),
    answered: (status) => {
      span.setAttributes(attributesOf({ status }))
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    },
  }
}

/** So that a receiver can say later which of our traces it answers (W3C Trace Context). Empty without traces. */
export function traceHeaders(): Record<string, string> {
  const headers: Record<string, string> = {}
  if (tracer) propagation.inject(context.active(), headers)
  return headers
}

export const currentTrace = (): string | undefined =>
  tracer ? trace.getActiveSpan()?.spanContext().traceId : undefined

const attributesOf = (fields: SpanFields): Attributes =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [`mandate.${name}`, value ?? undefined]))
