import { defineJob } from '#platform/queues/job.js'

/** Client and host only let a worker see, without asking the database, that it has enough calls there under way. */
export interface DueEvent {
  eventId: string
  clientId: string
  host: string
}

/** From sweep-events to deliver-event: the client has to be told. */
export const DELIVER_EVENT = defineJob<DueEvent>({
  name: 'deliver-event',
  id: ({ eventId }) => `tell-${eventId}`,
  sharer: ({ clientId }) => clientId,
})
