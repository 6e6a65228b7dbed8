import { defineHistogram } from '#platform/observability/metrics.js'

/** Patterns of routes are ours, so there are as many as the code has. */
export const HTTP_REQUESTS = defineHistogram({
  name: 'mandate_http_request_seconds',
  help: 'Requests that were answered, by the pattern of their route and the class of their status.',
  labels: { route: { most: 200 }, status: ['1xx', '2xx', '3xx', '4xx', '5xx'] },
  buckets: [0.005, 0.025, 0.1, 0.25, 1, 5],
})
