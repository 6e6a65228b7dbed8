import { defineJob } from '#platform/queues/job.js'

/** From accept-requests (or the sweeper) to mint-access: the provider has to be asked about this request. */
export const MINT_ACCESS = defineJob<{ requestId: string }>({
  name: 'mint-access',
  id: ({ requestId }) => `mint-${requestId}`,
})

/** `host` only lets a worker see, without asking the database, that it has enough calls there under way. */
export interface Delivery {
  requestId: string
  host: string
}

/** From mint-access (or the sweeper, or a redelivery) to deliver-callback: the client has to be told. */
export const DELIVER_CALLBACK = defineJob<Delivery>({
  name: 'deliver-callback',
  id: ({ requestId }) => `deliver-${requestId}`,
})

export const deliveryOf = (request: { id: string; callbackUrl: string }): Delivery => ({
  requestId: request.id,
  host: new URL(request.callbackUrl).host,
})
