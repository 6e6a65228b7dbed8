import { defineCounter, defineHistogram } from '#platform/observability/metrics.js'

const MESSAGE = ['callback', 'event'] as const

/** `healthy`: has not failed lately. `failing`: has. `probe`: is spared, and this was the one attempt to see whether it is back. */
const HOST = ['healthy', 'failing', 'probe'] as const

export const DELIVERIES = defineHistogram({
  name: 'mandate_delivery_seconds',
  help: 'Attempts to tell a client something, by how its host has been, what it answered and what the message came to.',
  labels: {
    message: MESSAGE,
    host: HOST,
    answer: ['2xx', '3xx', '4xx', '5xx', 'none'],
    state: ['delivered', 'waiting', 'abandoned'],
  },
  buckets: [0.05, 0.25, 1, 5, 15, 60],
})

export const HELD_BACK = defineCounter({
  name: 'mandate_deliveries_held_back_total',
  help: 'Attempts that were not made, because the host is spared.',
  labels: { message: MESSAGE },
})
