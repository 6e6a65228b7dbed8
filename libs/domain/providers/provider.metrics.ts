import { defineHistogram } from '#platform/observability/metrics.js'

export const PROVIDER_CALLS = defineHistogram({
  name: 'mandate_provider_call_seconds',
  help: 'Calls to a provider until the whole answer was there (reads by the proxy: until it began), by what was answered.',
  labels: { provider: ['google', 'microsoft'], answer: ['2xx', '3xx', '4xx', '429', '5xx', 'none'] },
  buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
})
