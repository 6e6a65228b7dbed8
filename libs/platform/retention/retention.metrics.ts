import { defineCounter, defineGauge } from '#platform/observability/metrics.js'

/** The names of the rules, which are ours. */
const WHAT = { most: 20 } as const

export const DELETED_ROWS = defineCounter({
  name: 'mandate_retention_deleted_rows_total',
  help: 'Rows that were deleted because they were past their age, without those that hang on them.',
  labels: { what: WHAT },
})

export const BEHIND = defineGauge({
  name: 'mandate_retention_behind',
  help: '1 where the last pass of this process left something that is past its age, else 0.',
  labels: { what: WHAT },
})
