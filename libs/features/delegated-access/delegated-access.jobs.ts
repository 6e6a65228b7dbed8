import { defineJob } from '#platform/queues/job.js'

/** From accept-requests (or the sweeper) to mint-access: the provider has to be asked about this request. */
export const MINT_ACCESS = defineJob<{ requestId: string; clientId: string }>({
  name: 'mint-access',
  id: ({ requestId }) => `mint-${requestId}`,
  sharer: ({ clientId }) => clientId,
})

/** `clientId` and `host` only let a worker see, without asking the database, that it has enough calls for them under way. */
export interface Delivery {
  requestId: string
  clientId: string
  host: string
}

/** From mint-access (or the sweeper, or a redelivery) to deliver-callback: the client has to be told. */
export const DELIVER_CALLBACK = defineJob<Delivery>({
  name: 'deliver-callback',
  id: ({ requestId }) => `deliver-${requestId}`,
  sharer: ({ clientId }) => clientId,
})

export const deliveryOf = (request: { id: string; clientId: string; callbackHost: string }): Delivery => ({
  requestId: request.id,
  clientId: request.clientId,
  host: request.callbackHost,
})
