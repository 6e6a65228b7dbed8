import { defineGauge } from '#platform/observability/metrics.js'

/** Queues have names of ours. */
const QUEUE = { most: 20 } as const

export const QUEUE_AGE = defineGauge({
  name: 'mandate_queue_age_seconds',
  help: 'How long the next fresh job has waited for a worker: what to add workers by. Jobs that wait for a time do not count.',
  labels: { queue: QUEUE },
})

export const QUEUE_JOBS = defineGauge({
  name: 'mandate_queue_jobs',
  help: 'Jobs in a queue: waiting for a worker, waiting for their time, or in hand.',
  labels: { queue: QUEUE, state: ['waiting', 'delayed', 'active'] },
})
