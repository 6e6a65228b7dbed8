import { context, propagation, trace } from '@opentelemetry/api'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import type { TracingSettings } from '#platform/config/settings.js'
import { cleaned, isWorthSending } from './span-fields.js'
import { traceWith } from './tracing.js'

/** Spans that wait for a collector which is away are dropped beyond this; nothing waits for them. */
const MOST_WAITING = 8192

/**
 * Sends traces by OTLP over HTTP where an endpoint is configured. Without one no part of the SDK is even loaded.
 * @returns how to send what is left and to stop
 */
export async function openTracing(settings: TracingSettings): Promise<() => Promise<void>> {
  const { endpoint, headers, serviceName, ratio } = settings
  if (!endpoint) return async () => {}
  const [{ BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider }, exporting, others] =
    await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      Promise.all([
        import('@opentelemetry/context-async-hooks'),
        import('@opentelemetry/core'),
        import('@opentelemetry/resources'),
      ]),
    ])
  const [{ AsyncLocalStorageContextManager }, { W3CTraceContextPropagator }, { resourceFromAttributes }] = others
  const url = new URL('v1/traces', endpoint.href.replace(/\/?$/, '/')).href
  const inner = new exporting.OTLPTraceExporter({ url, headers: headers?.reveal() ?? {} })
  const exporter: SpanExporter = {
    export: (spans, done) => inner.export(spans.filter(isWorthSending).map(cleaned), done),
    shutdown: () => inner.shutdown(),
    forceFlush: () => inner.forceFlush(),
  }
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: MOST_WAITING })],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(provider)
  traceWith(provider.getTracer('mandate'))
  return async () => {
    traceWith(null)
    // A collector that is away must not hold up the end.
    await provider.shutdown().catch(() => {})
    for (const api of [trace, propagation, context]) api.disable()
  }
}
