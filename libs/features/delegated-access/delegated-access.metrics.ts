import { defineCounter, defineGauge } from '#platform/observability/metrics.js'

export const MINTS = defineCounter({
  name: 'mandate_mints_total',
  help: 'Questions to a provider whether we may act as a mailbox, by what came of them.',
  labels: {
    provider: ['google', 'microsoft'],
    outcome: ['granted', 'denied', 'postponed', 'held', 'cancelled', 'decided before'],
  },
})

export const SWEPT = defineCounter({
  name: 'mandate_requests_swept_total',
  help: 'Requests that stood still and were rung for again.',
  labels: {},
})

export const BACKLOG = defineGauge({
  name: 'mandate_backlog_requests',
  help: 'Requests that are not finished: undecided at the provider, or decided and not delivered.',
  labels: { state: ['undecided', 'undelivered'] },
})

export const UNTOLD_EVENTS = defineGauge({
  name: 'mandate_untold_events',
  help: 'Events that their clients have not heard of yet.',
  labels: {},
})

export const OLDEST_UNDELIVERED = defineGauge({
  name: 'mandate_oldest_undelivered_seconds',
  help: 'Age of the oldest request that is not finished; 0 when there is none.',
  labels: {},
})

export const OVERDUE = defineGauge({
  name: 'mandate_overdue_seconds',
  help: 'How long the most overdue request or event has waited to be rung for: more than a minute means that nobody sweeps.',
  labels: {},
})

export const BREAKERS = defineGauge({
  name: 'mandate_callback_breakers',
  help: 'Hosts of clients that fail: still called (closed), spared (open), or waiting for their probe (half_open).',
  labels: { state: ['closed', 'open', 'half_open'] },
})
