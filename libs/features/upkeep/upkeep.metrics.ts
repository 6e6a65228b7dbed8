import { defineGauge } from '#platform/observability/metrics.js'

export const SERVICE_ACCOUNTS = defineGauge({
  name: 'mandate_service_accounts_not_active',
  help: 'Service accounts that work in part or not at the moment (degraded), or not until somebody mends them (failing).',
  labels: { state: ['degraded', 'failing'] },
})
