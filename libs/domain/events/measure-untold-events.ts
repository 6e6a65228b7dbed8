import { defineStatement } from '#platform/database/statement.js'

/** Counting goes no further: what is told by then is that it is far too many. */
const COUNTED = 100_000

/** Events that their clients have not heard of, and have not been given up; and when the first of them was due. */
export const MEASURE_UNTOLD_EVENTS = defineStatement<{ untold: number; oldest: Date | null; due: Date | null }>(
  'measure-untold-events',
  `select count(*)::int as untold, min(created_at) as oldest, min(ring_at) as due
   from (select created_at, ring_at from client_events where ring_at is not null order by ring_at limit ${COUNTED}) as waiting`,
)
