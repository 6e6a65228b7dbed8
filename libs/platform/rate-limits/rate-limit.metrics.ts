import { defineCounter } from '#platform/observability/metrics.js'

/** Their names stand in rate-limits.ts and nowhere else. */
export const RATE_LIMIT_REFUSALS = defineCounter({
  name: 'mandate_rate_limit_refusals_total',
  help: 'Calls that were answered with 429, by the limit that they had reached.',
  labels: { limit: { most: 30 } },
})
