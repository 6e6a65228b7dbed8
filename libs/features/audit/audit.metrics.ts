import { defineGauge } from '#platform/observability/metrics.js'

export const AUDIT_ARRIVALS = defineGauge({
  name: 'mandate_audit_arrivals',
  help: 'Acts that are on record and have no place in a chain yet, counted no further than 100,000.',
  labels: {},
})

export const OLDEST_ARRIVAL = defineGauge({
  name: 'mandate_audit_oldest_arrival_seconds',
  help: 'Age of the oldest of them: more than some seconds means that a chain is broken, or that nobody chains.',
  labels: {},
})

export const MONTHS_AHEAD = defineGauge({
  name: 'mandate_audit_months_ahead',
  help: 'Months that are made for the audit after the present one: with none, what arrives from the next one on waits.',
  labels: {},
})
