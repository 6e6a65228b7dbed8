import { defineRetention, deleteRows } from '#platform/retention/retention-rule.js'

export const FINISHED_EVENTS = defineRetention(
  'finished events',
  'requestsMs',
  deleteRows({
    table: 'client_events',
    key: 'id',
    where: 'created_at < $1 and ended_at < $1 and ring_at is null',
    order: 'created_at, id',
  }),
)
